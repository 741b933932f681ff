"""Regenerates nf4.safetensors: what bitsandbytes makes of four weights in NF4, plain and with double quantisation. Needs
bitsandbytes==0.50.2, torch, numpy and safetensors; run `python3 tests/golden/nf4.py`."""
from pathlib import Path

import bitsandbytes.functional as F
import torch
from safetensors.torch import save_file

torch.manual_seed(1234)
NF4 = F.get_4bit_type("nf4", device="cpu")
tensors = {}


def case(name, weight):
    flat = weight.reshape(-1)
    packed, plain = F.quantize_4bit(flat, blocksize=64, compress_statistics=False, quant_type="nf4")
    _, double = F.quantize_4bit(flat, blocksize=64, compress_statistics=True, quant_type="nf4")
    # Flat: bitsandbytes' dequantisation on the CPU is wrong for matrices whose rows are not multiples of 64.
    values = F.dequantize_4bit(packed, plain)
    double_values = F.dequantize_4bit(packed, double)
    tensors.update({
        f"{name}.weight": weight,
        f"{name}.packed": packed.reshape(-1),
        f"{name}.absmax": plain.absmax,
        f"{name}.dq.absmax_restored": F.dequantize_blockwise(double.absmax, double.state2) + double.offset,
    })
    if weight.numel() < 10000:
        tensors[f"{name}.dequant"] = values.reshape(weight.shape)
    tensors[f"{name}.dq.dequant"] = double_values.reshape(weight.shape)


case("w64x128", torch.randn(64, 128) * 0.05)
# 312 blocks: more than one group of magnitudes.
case("w96x208", torch.randn(96, 208) * torch.logspace(-3, 0, 96)[:, None])
# An odd number of values, in rows that end inside blocks.
case("w5x13", torch.randn(5, 13))
# A block of zeros, of tiny numbers, an outlier, the codes and the middles between them.
edge = torch.randn(4, 128)
edge[0, :64] = 0
edge[1, :64] = 1e-20
edge[2, 5] = 1e4
edge[3, :16] = NF4
edge[3, 16:31] = (NF4[:-1] + NF4[1:]) / 2
edge[3, 31:64] = 0
edge[3, 63] = -1.0
edge[3, 64:] = -0.0
case("edge4x128", edge)
save_file({name: value.contiguous().clone() for name, value in tensors.items()}, Path(__file__).with_name("nf4.safetensors"))
