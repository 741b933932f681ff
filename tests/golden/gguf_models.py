"""Tiny models of every architecture, converted to GGUF by llama.cpp's own converter: gguf_models/NAME.gguf (f16 matrices) and NAME.json.

    pip download --no-deps --no-binary llama-cpp-python llama-cpp-python==0.3.36 && tar xzf llama_cpp_python-0.3.36.tar.gz
    python3 tests/golden/gguf_models.py llama_cpp_python-0.3.36/vendor/llama.cpp

NAME.json holds transformers' config and the shape of every tensor by its Hugging Face name. Value i of a tensor is
(crc32(name) + i) % 2039 / 2048: exact in f16, and nothing needs to be stored to know it. Needs the packages of README.md
in this folder, and gguf==0.19.0.
"""

import json
import sys
import tempfile
import zlib
from pathlib import Path

import torch
import transformers as hf
from safetensors import safe_open

LLAMA_CPP = Path(sys.argv[1]).resolve()
OUT = Path(__file__).with_name("gguf_models")
COMMON = dict(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False)
MODELS = {
    "llama": hf.LlamaConfig(**COMMON, rms_norm_eps=1e-5, rope_theta=500000.0),
    "llama3": hf.LlamaConfig(**{**COMMON, "hidden_size": 64, "max_position_embeddings": 131072, "num_hidden_layers": 1},
                             rope_theta=500000.0, rope_scaling={"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                                                                "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
    "qwen2": hf.Qwen2Config(**COMMON),
    "qwen3": hf.Qwen3Config(**COMMON, head_dim=8),
    "gemma3": hf.Gemma3TextConfig(**{**COMMON, "num_hidden_layers": 6, "tie_word_embeddings": True}, head_dim=8, sliding_window=16,
                                  query_pre_attn_scalar=8),
    "smollm3": hf.SmolLM3Config(**{**COMMON, "num_hidden_layers": 4}, pad_token_id=0, bos_token_id=1, eos_token_id=2),
    "phi3": hf.Phi3Config(**COMMON, pad_token_id=0, bos_token_id=1, eos_token_id=2, rope_scaling={"rope_type": "longrope", "short_factor": [1.0, 1.5],
                          "long_factor": [2.0, 4.0]}, original_max_position_embeddings=32),
    "gpt2": hf.GPT2Config(vocab_size=32, n_embd=16, n_layer=2, n_head=4, n_positions=64, n_ctx=64, bos_token_id=1, eos_token_id=2),
    "gpt_neox": hf.GPTNeoXConfig(**{k: v for k, v in COMMON.items() if k != "num_key_value_heads"}, rotary_pct=0.5,
                                 use_parallel_residual=False),
}
TOKENIZER = {"model": {"vocab": {f"t{i}": i for i in range(32)}}, "added_tokens": []}


def fill(model):
    state = model.state_dict()
    for name, tensor in state.items():
        if name == "lm_head.weight" and model.config.tie_word_embeddings:
            continue  # the same memory as the embedding
        if model.config.model_type == "gpt_neox":  # files spell it so
            name = name.replace("lm_head.weight", "embed_out.weight")
        start = zlib.crc32(name.encode())
        values = (torch.arange(tensor.numel(), dtype=torch.int64) + start) % 2039
        tensor.copy_((values.to(torch.float64) / 2048).to(tensor.dtype).reshape(tensor.shape))


def convert(folder, out):
    """Runs the converter without the vocabulary: these models have none."""
    sys.path[:0] = [str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]
    import gguf
    from conversion import ModelBase, get_model_class
    with torch.inference_mode():
        hparams = ModelBase.load_hparams(folder, False)
        kind = get_model_class(hparams["architectures"][0])
        kind.set_vocab = lambda self: None
        converter = kind(folder, gguf.LlamaFileType.MOSTLY_F16, out)
        converter.hparams.setdefault("rotary_pct", 0.5)  # GPT-NeoX: it knows the old spelling only
        converter.write()


def main():
    OUT.mkdir(exist_ok=True)
    for name, config in MODELS.items():
        model = hf.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        fill(model)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            Path(folder, "tokenizer.json").write_text(json.dumps(TOKENIZER))
            stored = json.loads(Path(folder, "config.json").read_text())
            with safe_open(Path(folder, "model.safetensors"), "pt") as file:
                shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}
            convert(Path(folder), OUT / f"{name}.gguf")
        for key in ("transformers_version", "dtype"):
            stored.pop(key, None)
        (OUT / f"{name}.json").write_text(json.dumps({"config": stored, "shapes": shapes}, separators=(",", ":")) + "\n")
        print(name, (OUT / f"{name}.gguf").stat().st_size)


main()
