"""Values of GGUF blocks as the `gguf` package (llama.cpp's own Python side) computes them.

Writes gguf_blocks.safetensors: NAME.bytes (u8) and NAME.values (f32) for every type that Burnish reads, random codes and
scales. Needs `pip install gguf==0.19.0 safetensors numpy`; run from anywhere.
"""
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import GGML_QUANT_SIZES, quants
from safetensors.numpy import save_file

NAMES = "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K".split()
# Where the f16 scales of a block are.
HALVES = {"F16": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
          "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
rng = np.random.default_rng(7)
out = {}
for name in NAMES:
    kind = Type[name]
    values, size = GGML_QUANT_SIZES[kind]
    blocks = max(1, 1024 // values)
    raw = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    for at in HALVES.get(name, []):
        scale = (rng.standard_normal(blocks) * 0.01).astype(np.float16)
        scale[0] = np.float16(6e-8)  # a subnormal
        raw[:, at:at + 2] = scale.view(np.uint8).reshape(blocks, 2)
    if name == "F32":
        raw = rng.standard_normal((blocks, 1)).astype(np.float32).view(np.uint8)
    if name == "BF16":
        raw = rng.standard_normal((blocks, 1)).astype(np.float32).view(np.uint8)[:, 2:].copy()
    out[name + ".bytes"] = raw.reshape(-1)
    out[name + ".values"] = quants.dequantize(raw.reshape(-1), kind).astype(np.float32).reshape(-1)
save_file(out, Path(__file__).with_name("gguf_blocks.safetensors"))
