"""Regenerates qlora_smollm2.json: ten LoRA steps of PEFT on SmolLM2 over what bitsandbytes restores of its linear layers in NF4 with
double quantisation. Examples and initial A are those of smollm2.json.

    sh tests/fetch smollm2
    python3 tests/golden/qlora.py

Needs what real_models.py needs, and bitsandbytes==0.50.2."""
import json
import sys

import bitsandbytes.functional as bits
import torch
from gguf import GGUFReader

import real_models as base


def quantise(model):
    """Replaces the linear layers of the blocks by what is left of them in NF4."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            weight = module.weight.data
            packed, state = bits.quantize_4bit(weight.reshape(-1), blocksize=64, compress_statistics=True, quant_type="nf4")
            module.weight.data = bits.dequantize_4bit(packed, state).reshape(weight.shape)
    return model


def main():
    torch.manual_seed(0)
    known = json.loads((base.FOLDER / "smollm2.json").read_text())["lora"]
    examples = [(example["input_ids"], example["context"]) for example in known["examples"]]
    model = quantise(base.smollm2_model(GGUFReader(base.ASSETS / "SmolLM2-135M-Instruct.Q4_1.gguf")))
    found = base.lora_losses(model, examples, known["pad_id"], known["length"])
    del found["examples"]
    (base.FOLDER / "qlora_smollm2.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    sys.exit(main())
