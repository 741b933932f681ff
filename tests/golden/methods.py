"""Regenerates methods.json, methods.safetensors and peft_adapter_dora/: what PEFT computes with DoRA, QLoRA (LoRA over NF4 with double
quantisation), prompt tuning and prefix tuning on the untied tiny Llama. Needs what regenerate.py needs, and bitsandbytes==0.50.2; run
`python3 tests/golden/methods.py`."""
import json
import math
import tempfile
from pathlib import Path

import bitsandbytes.functional as bits
import torch
from peft import PrefixTuningConfig, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file

import regenerate as base

HERE = Path(__file__).parent
SEED_MAGNITUDE = 23
SEED_PROMPT = 31
VIRTUAL = 5


def nf4_llama():
    """The tiny Llama whose linear layers in the blocks hold what is left of them in NF4."""
    model = base.tiny_llama()
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            packed, state = bits.quantize_4bit(module.weight.data, blocksize=64, compress_statistics=True, quant_type="nf4")
            module.weight.data = bits.dequantize_4bit(packed, state)
    return model


def adapted(case):
    """The model of a case with A and B of the LoRA case; DoRA's magnitudes are moved away from where they begin."""
    quantised = case == "qlora"
    model = get_peft_model(nf4_llama() if quantised else base.tiny_llama(), base.lora_config(use_dora=case == "dora"))
    base.draw_adapter(model)
    draws = torch.Generator().manual_seed(SEED_MAGNITUDE)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if "magnitude" in name:
                parameter.mul_(1 + 0.05 * torch.randn(parameter.shape, generator=draws))
    return model.eval()


def main():
    ids, labels = base.tiny_batch()
    tensors, report = {}, {"input_ids": ids.tolist(), "labels": labels.tolist(), "cases": {}}
    for case, runs in {"dora": {"adamw3": math.inf, "adamw3_clip1.0": 1.0}, "qlora": {"adamw3": math.inf}}.items():
        output, gradients = base.forward_backward(adapted(case), ids, labels)
        tensors[f"{case}.logits"] = output.logits.detach()
        tensors |= base.prefixed(f"{case}.grad", gradients)
        values = report["cases"][case] = {"loss": output.loss.item()}
        if case == "dora":
            merged = dict(adapted(case).merge_and_unload().named_parameters())
            for name in ("model.layers.0.self_attn.q_proj.weight", "model.layers.1.mlp.down_proj.weight"):
                tensors[f"{case}.merged.{name}"] = merged[name].detach()
        for run, clip in runs.items():
            model = adapted(case)
            losses, norms = base.three_steps(model, ids, labels, clip)
            values[run] = {"losses": losses, "grad_norms_before_clip": norms}
            tensors |= base.prefixed(f"{case}.{run}", base.trainable(model))
    draws = torch.Generator().manual_seed(SEED_PROMPT)
    for case, kind, size in (("prompt", PromptTuningConfig, 0.5), ("prefix", PrefixTuningConfig, 0.7)):
        model = get_peft_model(base.tiny_llama(), kind(task_type="CAUSAL_LM", num_virtual_tokens=VIRTUAL)).eval()
        embedding = model.prompt_encoder["default"].embedding.weight
        with torch.no_grad():
            embedding.copy_(size * torch.randn(embedding.shape, generator=draws))
        output = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels)
        output.loss.backward()
        report["cases"][case] = {"loss": output.loss.item()}
        tensors[f"{case}.embedding"] = embedding.detach()
        tensors[f"{case}.grad"] = embedding.grad
        # Of prompt tuning, the logits of the virtual tokens come first.
        tensors[f"{case}.logits"] = output.logits.detach()[:, -ids.shape[1]:]
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, HERE / "methods.safetensors")
    (HERE / "methods.json").write_text(json.dumps(report) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        adapted("dora").save_pretrained(folder)
        settings = json.loads((Path(folder) / "adapter_config.json").read_text())
        adapter = load_file(Path(folder) / "adapter_model.safetensors")
    settings["target_modules"].sort()  # PEFT writes a set, in an order that changes from run to run
    (HERE / "peft_adapter_dora").mkdir(exist_ok=True)
    (HERE / "peft_adapter_dora/adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    save_file(adapter, HERE / "peft_adapter_dora/adapter_model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
