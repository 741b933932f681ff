"""Regenerates the tiny random checkpoints of every architecture in tests/golden/architectures, with what transformers makes of them.

    python3 tests/golden/architectures.py            writes every folder
    python3 tests/golden/architectures.py gpt2       writes one
    python3 tests/golden/architectures.py --check    computes again from the stored checkpoints and compares

Each folder is a checkpoint as transformers saves it (config.json, model.safetensors or shards), with golden.safetensors: two
prompts, their logits and greedy continuations, computed in f32. Folders named in ADAPTED also hold adapter/, a LoRA adapter as
PEFT saves it, with the loss and its gradients. Needs the versions of regenerate.py.
"""

import argparse
import json
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoModelForCausalLM
from transformers import GPT2Config, GPTNeoXConfig, Gemma3TextConfig, LlamaConfig, MistralConfig, Phi3Config
from transformers import Qwen2Config, Qwen3Config, SmolLM3Config

FOLDER = Path(__file__).resolve().parent / "architectures"
VOCABULARY = 99
LENGTHS = [17, 11]  # of the prompts: longer than every window
GREEDY_FROM, GREEDY = 9, 14
TOLERANCE = 1e-6

COMMON = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
LLAMA3 = dict(
    rope_type="llama3",
    rope_theta=500000.0,
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=16)
LONGROPE = dict(
    rope_type="longrope",
    rope_theta=10000.0,
    partial_rotary_factor=0.75,
    short_factor=[1.0, 1.1, 1.3],
    long_factor=[1.5, 2.5, 4.0],
    original_max_position_embeddings=40,
)
LAYERS = ["sliding_attention", "full_attention"]

# name: (config, type of the stored weights, size of a shard)
CASES = {
    "llama": (LlamaConfig(**COMMON, tie_word_embeddings=False), torch.bfloat16, "20KB"),
    "llama_rope3": (LlamaConfig(**COMMON, tie_word_embeddings=True, rope_parameters=LLAMA3), torch.bfloat16, None),
    "llama_biases": (
        LlamaConfig(
            **COMMON | dict(num_hidden_layers=1),
            tie_word_embeddings=True,
            attention_bias=True,
            mlp_bias=True,
            rope_parameters=dict(rope_type="linear", rope_theta=10000.0, factor=2.0),
        ),
        torch.float32,
        None,
    ),
    "mistral": (MistralConfig(**COMMON, sliding_window=6, head_dim=12), torch.bfloat16, None),
    "qwen2": (Qwen2Config(**COMMON, tie_word_embeddings=True), torch.bfloat16, None),
    "qwen2_window": (
        Qwen2Config(
            **COMMON,
            tie_word_embeddings=False,
            use_sliding_window=True,
            sliding_window=5,
            max_window_layers=1,
            rope_parameters=YARN,
        ),
        torch.bfloat16,
        None,
    ),
    "qwen3": (Qwen3Config(**COMMON, head_dim=16, tie_word_embeddings=True), torch.bfloat16, None),
    "qwen3_untied": (Qwen3Config(**COMMON | dict(num_hidden_layers=1), head_dim=8, attention_bias=True), torch.bfloat16, None),
    "gemma3": (
        Gemma3TextConfig(
            **COMMON,
            head_dim=16,
            query_pre_attn_scalar=24,
            sliding_window=6,
            layer_types=LAYERS[::-1],
        ),
        torch.bfloat16,
        None,
    ),
    "gemma3_linear": (
        Gemma3TextConfig(
            **COMMON,
            head_dim=8,
            query_pre_attn_scalar=8,
            sliding_window=7,
            layer_types=LAYERS,
            tie_word_embeddings=False,
            rope_parameters=dict(
                full_attention=dict(rope_type="linear", rope_theta=1000000.0, factor=8.0),
                sliding_attention=dict(rope_type="default", rope_theta=10000.0),
            ),
        ),
        torch.bfloat16,
        None,
    ),
    "smollm3": (
        SmolLM3Config(**COMMON, no_rope_layer_interval=2),
        torch.bfloat16,
        None,
    ),
    "smollm3_window": (
        SmolLM3Config(
            **COMMON,
            no_rope_layers=[0, 1],
            use_sliding_window=True,
            sliding_window=5,
            tie_word_embeddings=False,
        ),
        torch.bfloat16,
        None,
    ),
    "phi3": (Phi3Config(**COMMON, sliding_window=7), torch.bfloat16, None),
    "phi3_longrope": (
        Phi3Config(
            **COMMON | dict(max_position_embeddings=80, num_hidden_layers=1),
            original_max_position_embeddings=40,
            rope_parameters=LONGROPE,
            tie_word_embeddings=True,
        ),
        torch.bfloat16,
        None,
    ),
    "gpt2": (
        GPT2Config(
            vocab_size=VOCABULARY, n_positions=48, n_embd=32, n_layer=2, n_head=4, n_inner=40, bos_token_id=1, eos_token_id=2
        ),
        torch.float16,
        None,
    ),
    "gpt_neox": (
        GPTNeoXConfig(
            **{k: v for k, v in COMMON.items() if k != "num_key_value_heads"},
            rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.25),
        ),
        torch.float16,
        None,
    ),
    "gpt_neox_serial": (
        GPTNeoXConfig(
            **{k: v for k, v in COMMON.items() if k != "num_key_value_heads"} | dict(num_hidden_layers=1),
            use_parallel_residual=False,
            tie_word_embeddings=True,
            rope_parameters=dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5),
        ),
        torch.bfloat16,
        None,
    ),
}

# Layers that get a LoRA adapter of rank 2.
ADAPTED = {
    "gpt2": ["c_attn", "c_proj", "c_fc"],
    "gpt_neox": ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"],
    "phi3": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"],
    "gemma3": ["q_proj", "v_proj", "down_proj"],
    "qwen2": ["k_proj", "gate_proj"],
}


def draw(model, seed):
    """Random weights: norms and biases far from their usual values, answers far from uniform."""
    draws = torch.Generator().manual_seed(seed)
    gemma = "Gemma" in type(model).__name__
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=draws)
            norm = "norm" in name or "ln_" in name
            if name.endswith("bias"):
                parameter.copy_(0.3 * noise)
            elif norm:
                parameter.copy_((0.0 if gemma else 1.0) + 0.25 * noise)
            elif "embed" in name or "wte" in name or "wpe" in name:
                parameter.copy_(0.6 * noise)
            else:
                parameter.copy_(noise * (1.2 / np.sqrt(parameter.shape[-1])))


def prompts(seed):
    draws = torch.Generator().manual_seed(1000 + seed)
    return [torch.randint(3, VOCABULARY, (1, n), generator=draws) for n in LENGTHS]


def golden(model, seed):
    """Logits of both prompts, and greedy continuations of their beginnings by whole passes."""
    values = {}
    with torch.no_grad():
        for i, ids in enumerate(prompts(seed)):
            values[f"ids.{i}"] = ids[0].to(torch.int32)
            values[f"logits.{i}"] = model(input_ids=ids, use_cache=False).logits[0].contiguous()
            row = ids[:, :GREEDY_FROM]
            for _ in range(GREEDY):
                best = model(input_ids=row, use_cache=False).logits[0, -1].topk(2)
                assert best.values[0] - best.values[1] > 1e-3, "a near tie: take another seed"
                row = torch.cat([row, best.indices[:1].reshape(1, 1)], 1)
            values[f"greedy.{i}"] = row[0, GREEDY_FROM:].to(torch.int32)
    return values


def adapter_golden(folder, name, seed):
    """A random adapter on the stored checkpoint: the loss of the first prompt and the gradient of every pair."""
    model = load(folder)
    config = LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=6, target_modules=ADAPTED[name])
    model = get_peft_model(model, config).eval()
    draws = torch.Generator().manual_seed(2000 + seed)
    with torch.no_grad():
        for key, parameter in sorted(model.named_parameters()):
            if "lora_" in key:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=draws))
    model.save_pretrained(folder / "adapter")
    (folder / "adapter" / "README.md").unlink(missing_ok=True)
    config = folder / "adapter" / "adapter_config.json"
    settings = json.loads(config.read_text()) | {"base_model_name_or_path": name}
    config.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
    ids = prompts(seed)[0]
    logits = model(input_ids=ids, use_cache=False).logits[0]
    loss = functional.cross_entropy(logits[:-1], ids[0, 1:])
    loss.backward()
    values = {"logits": logits.detach().contiguous(), "loss": loss.detach().reshape(1)}
    for key, parameter in model.named_parameters():
        if "lora_" in key:
            values["grad." + key.replace(".default", "")] = parameter.grad.contiguous()
    return values


def load(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return model.eval()


def write(name):
    config, dtype, shard = CASES[name]
    seed = list(CASES).index(name)
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    model = AutoModelForCausalLM.from_config(config)
    draw(model, seed)
    model.to(dtype).save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    save_file(golden(load(folder), seed), folder / "golden.safetensors")
    if name in ADAPTED:
        save_file(adapter_golden(folder, name, seed), folder / "adapter" / "golden.safetensors")


def check(name):
    """The largest difference between stored and computed values."""
    seed = list(CASES).index(name)
    stored, found = load_file(FOLDER / name / "golden.safetensors"), golden(load(FOLDER / name), seed)
    assert stored.keys() == found.keys(), name
    return max((stored[key].float() - found[key].float()).abs().max().item() for key in stored)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(CASES))
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    names = arguments.names or list(CASES)
    if unknown := set(names) - set(CASES):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}")
    worst = 0.0
    for name in names:
        if arguments.check:
            difference = check(name)
            worst = max(worst, difference)
            print(f"{name}: {difference:.2e}")
        else:
            write(name)
            print(name)
    sys.exit(0 if worst <= TOLERANCE else f"above {TOLERANCE:.0e}")


if __name__ == "__main__":
    main()
