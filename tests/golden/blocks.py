"""Regenerates blocks.safetensors: three rows of two blocks in each block layout of GGUF, with the numbers that the reference decoder
of the `gguf` package finds in them. Needs gguf==0.19.0, numpy and safetensors; run `python3 tests/golden/blocks.py`."""
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize
from safetensors.numpy import save_file

# Where a block keeps its half-precision scales.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2],
          "Q5_K": [0, 2], "Q6_K": [208]}
SUBNORMAL = np.float16(3e-6)
rng = np.random.default_rng(11)
tensors = {}
for name, places in SCALES.items():
    kind = GGMLQuantizationType[name]
    _, size = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (6, size), dtype=np.uint8)
    for number, block in enumerate(blocks):
        for place in places:
            scale = SUBNORMAL if number == 5 else np.float16(rng.uniform(-0.02, 0.05))
            block[place:place + 2] = np.frombuffer(scale.tobytes(), np.uint8)
    rows = blocks.reshape(3, 2 * size)
    tensors[f"{name}.bytes"] = rows
    tensors[f"{name}.values"] = dequantize(rows, kind)
halves = rng.normal(0, 1, (3, 5)).astype(np.float32).view(np.uint32) >> 16
rows = halves.astype(np.uint16).view(np.uint8).reshape(3, 10)
tensors["BF16.bytes"] = rows
tensors["BF16.values"] = dequantize(rows, GGMLQuantizationType.BF16)
save_file(tensors, Path(__file__).with_name("blocks.safetensors"))
