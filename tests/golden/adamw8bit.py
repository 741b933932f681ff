#!/usr/bin/env python3
"""Four steps of 8-bit AdamW on a tensor whose rows end inside blocks, with given gradients.

`map.*` are bitsandbytes' own maps. `value`, `codes*` and `magnitudes*` follow its rule (blocks of 256, moments widened, updated and
narrowed to the nearest code) in plain PyTorch. On a GPU bitsandbytes takes the nearest code too; on the CPU it first rounds to one of
65,536 evenly spaced numbers, so the rule is held against its `AdamW8bit` there with that rounding in the nearest code's place.
Needs bitsandbytes 0.50.2, torch 2.15.0 and safetensors. Writes adamw8bit.safetensors beside itself.
"""

from pathlib import Path

import bitsandbytes as bnb
import bitsandbytes.functional as F
import torch
from safetensors.torch import save_file

STEPS, BLOCK, LR, DECAY, BETAS, EPS = 4, 256, 0.02, 0.1, (0.9, 0.99), 1e-8
SIGNED, UNSIGNED = F.create_dynamic_map(signed=True), F.create_dynamic_map(signed=False)


def widen(codes, magnitudes, table):
    return (table[codes.long()] * magnitudes[:, None]).flatten()


def narrow(values, table):
    blocks = values.reshape(-1, BLOCK)
    magnitudes = blocks.abs().amax(1)
    x = blocks / torch.where(magnitudes > 0, magnitudes, torch.ones(()))[:, None]
    middles = (table[:-1] + table[1:]) / 2
    return torch.bucketize(x, middles).to(torch.uint8), magnitudes


def narrow_on_cpu(values, table):
    codes, state = F.quantize_blockwise(values, code=table, blocksize=BLOCK)
    return codes.reshape(-1, BLOCK), state.absmax


def plain(start, gradients, narrow):
    count = start.numel()
    padded = lambda t: torch.nn.functional.pad(t.flatten(), (0, -count % BLOCK))
    blocks = -(-count // BLOCK)
    value = padded(start)
    state = [(torch.zeros(blocks, BLOCK, dtype=torch.uint8), torch.zeros(blocks)) for _ in BETAS]
    for step, gradient in enumerate(gradients, 1):
        g = padded(gradient)
        mean = widen(*state[0], SIGNED) * BETAS[0] + g * (1 - BETAS[0])
        square = widen(*state[1], UNSIGNED) * BETAS[1] + g * g * (1 - BETAS[1])
        root = square.sqrt() / (1 - BETAS[1] ** step) ** 0.5 + EPS
        value = value * (1 - LR * DECAY) - mean / root * (LR / (1 - BETAS[0] ** step))
        state = [narrow(mean, SIGNED), narrow(square, UNSIGNED)]
    flat = lambda codes: codes.flatten()[:count].clone()
    return {
        "value": value[:count].reshape(start.shape).clone(),
        "codes1": flat(state[0][0]),
        "codes2": flat(state[1][0]),
        "magnitudes1": state[0][1],
        "magnitudes2": state[1][1],
    }


def theirs(start, gradients):
    value = torch.nn.Parameter(start.clone())
    optimizer = bnb.optim.AdamW8bit([value], lr=LR, betas=BETAS, eps=EPS, weight_decay=DECAY)
    for gradient in gradients:
        value.grad = gradient.clone()
        optimizer.step()
    return value.detach()


def main():
    torch.manual_seed(8)
    start = torch.randn(61, 71)
    gradients = torch.randn(STEPS, 61, 71) * torch.logspace(-3, 0, 61)[None, :, None]
    # A whole block and more of zeros, and a lone large number beside small ones.
    gradients[:, 20:28] = 0
    gradients[:, 40, 3] = 50.0
    gap = (plain(start, gradients, narrow_on_cpu)["value"] - theirs(start, gradients)).abs().max().item()
    assert gap < 2e-6, f"not the rule of bitsandbytes: {gap}"
    print(f"with the rounding of its CPU code {gap:.1e} from bitsandbytes")
    maps = {"map.signed": SIGNED, "map.unsigned": UNSIGNED}
    tensors = {**maps, "start": start, "gradients": gradients, **plain(start, gradients, narrow)}
    save_file({k: v.contiguous() for k, v in tensors.items()}, Path(__file__).with_name("adamw8bit.safetensors"))


main()
