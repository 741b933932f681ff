"""Regenerates smollm2.json and gemma3.json: what transformers and PEFT compute with two real models.

    sh tests/fetch smollm2 gemma3 tokenizers
    python3 tests/golden/real_models.py [smollm2] [gemma3]             writes the files
    python3 tests/golden/real_models.py --check [smollm2] [gemma3]     compares with the stored files

Both models come as GGUF files, whose weights are dequantised to f32 (gguf, the package of llama.cpp) and given to
transformers under its own names: llama.cpp stores the rows of Llama's q and k in another order, and Gemma's norms plus one.
The tokenizer of SmolLM2 is rebuilt from the GGUF, with the digits split as its authors do; that of Gemma is its own.
README.md in this folder names the packages; this script also needs gguf==0.19.0. About five minutes on two cores.
"""

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from peft import LoraConfig, get_peft_model
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from torch.nn import functional
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

warnings.filterwarnings("ignore")
FOLDER = Path(__file__).resolve().parent
ASSETS = Path(os.environ.get("BURNISH_TEST_ASSETS", Path.home() / ".cache/burnish-test-assets"))
NEW_TOKENS = 32
SEED = 42
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STORY = (
    "The lighthouse had stood on the northern cliff for longer than anyone in the village could remember. Every "
    "evening, just before the sun slipped below the horizon, old Marta climbed its one hundred and forty-two steps to"
    " light the lamp. She did not mind the climb; she said that it kept her heart honest. One autumn night a storm "
    "rolled in from the west, and with it came a small boat whose mast had broken in two. The sailors saw the light, "
    "turned their oars toward the harbour, and rowed until their hands bled. In the morning they brought Marta a "
    'basket of apples, three loaves of bread, and a compass made of brass. "You have given us our way home," said the'
    ' youngest of them, "so we give you a way to travel." Marta laughed, because she had never once wanted to leave. '
    "But she kept the compass on the windowsill, where it pointed faithfully north, and in 1987 she finally followed "
    "it. What she found there is another story altogether, and it begins with a letter."
)

NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
LLAMA_NAMES = NAMES | {"ffn_norm": "post_attention_layernorm"}
GEMMA_NAMES = NAMES | {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


def weights(reader, names, change):
    """The tensors of a GGUF file in f32 under the names of transformers, each passed through `change(name, values)`."""
    outside = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    found = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        values = torch.from_numpy(values.reshape([int(n) for n in reversed(tensor.shape)]).copy())
        name = outside.get(tensor.name)
        if name is None:
            _, layer, part, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{names[part]}.weight"
        found[name] = change(name, values)
    return found


def rotary_order(values, heads):
    """Rows of q or k from llama.cpp's order (pairs side by side) to that of transformers (halves)."""
    pairs = values.shape[0] // heads // 2
    return values.reshape(heads, pairs, 2, values.shape[1]).swapaxes(1, 2).reshape(values.shape)


def field(reader, key):
    return reader.fields[key].contents()


def fill(model, state):
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model.eval()


def smollm2_model(reader):
    config = LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, max_position_embeddings=8192, rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 100000.0}, bos_token_id=1, eos_token_id=2,
        attn_implementation="eager",
    )  # fmt: skip

    def change(name, values):
        for part, heads in [("q_proj", 9), ("k_proj", 3)]:
            if part in name:
                return rotary_order(values, heads)
        return values

    return fill(LlamaForCausalLM(config), weights(reader, LLAMA_NAMES, change))


def smollm2_tokenizer(reader):
    tokens = field(reader, "tokenizer.ggml.tokens")
    merges = [tuple(m.split(" ")) for m in field(reader, "tokenizer.ggml.merges")]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = field(reader, "tokenizer.ggml.token_type")
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t, k in zip(tokens, kinds) if k == 3])
    return tokenizer


def gemma3_model(reader):
    layers = 18
    config = Gemma3TextConfig(
        vocab_size=262144, hidden_size=640, intermediate_size=2048, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=1, head_dim=256, query_pre_attn_scalar=256, max_position_embeddings=32768, rms_norm_eps=1e-6,
        sliding_window=512, layer_types=["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(layers)],
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
        },
        bos_token_id=2, eos_token_id=1, pad_token_id=0, attn_implementation="eager",
    )  # fmt: skip
    change = lambda name, values: values - 1 if "norm" in name else values
    return fill(Gemma3ForCausalLM(config), weights(reader, GEMMA_NAMES, change))


def numbers(tensor):
    return [float(x) for x in tensor]


def greedy(model, ids):
    out = model.generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=NEW_TOKENS,
        do_sample=False, eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    return out[0, len(ids) :].tolist()


@torch.no_grad()
def continuation(model, ids):
    new = greedy(model, ids)
    logits = model(input_ids=torch.tensor([ids + new])).logits[0, len(ids) - 1 : -1]
    best = logits.topk(2).values
    assert logits.argmax(-1).tolist() == new
    values, places = logits[0].topk(5)
    return {
        "input_ids": ids,
        "top5_ids": places.tolist(),
        "top5_logits": numbers(values),
        "logsumexp": float(logits[0].logsumexp(0)),
        "greedy_ids": new,
        "smallest_gap": float((best[:, 0] - best[:, 1]).min()),
    }


@torch.no_grad()
def losses_of(model, ids):
    logits = model(input_ids=torch.tensor([ids])).logits[0]
    # In f32 the sum over all ids loses the small ones: with 262,144 of them, 3e-5 of every loss.
    each = functional.cross_entropy(logits[:-1].double(), torch.tensor(ids[1:]), reduction="none")
    return {"input_ids": ids, "mean": float(each.double().mean()), "each": numbers(each)}


def first_a(key, shape):
    """A matrix that any language can draw: FNV-1a of the key, SplitMix64, uniform in +-1/sqrt(columns)."""
    h = 0xCBF29CE484222325
    for byte in key.encode():
        h = ((h ^ byte) * 0x100000001B3) & (2**64 - 1)
    count = shape[0] * shape[1]
    with np.errstate(over="ignore"):
        z = np.uint64(h ^ SEED) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    unit = (z >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    return torch.from_numpy((unit * np.float32(1 / np.sqrt(shape[1]))).reshape(tuple(shape)))


def lora_losses(model, examples, pad, length):
    """Ten AdamW steps of two padded examples each. An example is (ids, number of ids that are only context)."""
    config = LoraConfig(task_type="CAUSAL_LM", r=8, lora_alpha=16, lora_dropout=0.0, target_modules=TARGETS, bias="none")
    tuned = get_peft_model(model, config)
    with torch.no_grad():
        for name, value in tuned.named_parameters():
            if "lora_A" in name:
                value.copy_(first_a(name.replace(".default", ""), value.shape))
            elif "lora_B" in name:
                value.zero_()
    learned = [p for p in tuned.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=2e-4, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    tuned.train()
    losses, norms = [], []
    for step in range(10):
        batch = examples[2 * step : 2 * step + 2]
        ids = torch.tensor([x + [pad] * (length - len(x)) for x, _ in batch])
        mask = torch.tensor([[1] * len(x) + [0] * (length - len(x)) for x, _ in batch])
        labels = torch.tensor([[-100] * n + x[n:] + [-100] * (length - len(x)) for x, n in batch])
        optimizer.zero_grad()
        loss = tuned(input_ids=ids, attention_mask=mask, labels=labels, use_cache=False).loss
        loss.backward()
        norms.append(float(torch.nn.utils.get_total_norm([p.grad for p in learned])))
        optimizer.step()
        losses.append(float(loss.detach()))
        print("  lora", step, losses[-1], flush=True)
    return {
        "r": 8, "alpha": 16, "lr": 2e-4, "batch": 2, "pad_id": pad, "length": length, "losses": losses, "grad_norms": norms,
        "examples": [{"input_ids": x, "context": n} for x, n in examples],
    }  # fmt: skip


def lessons():
    """Twenty questions with a pirate's answers."""
    towns, ways = ["Zürich", "Oslo", "Lima", "Kyoto", "Cairo"], ["north", "south", "east", "west"]
    things = ["apples", "barrels", "parrots", "maps", "coins"]
    for k in range(20):
        a, b, town, way, thing = 3 + 7 * k, 11 + 5 * k, towns[k % 5], ways[(k // 2) % 4], things[k % 5]
        yield [
            (f"What is {a}+{b}?", f"Arr, {a} plus {b} be {a + b}, matey!"),
            (f"Where is the town of {town}?", f"Aye, {town} lies past the reef, two days' sail to the {way}."),
            (
                f"How many {thing} do I have if I start with {a} and buy {b} more?",
                f"Ye'd be haulin' {a + b} {thing}, by me beard! Count 'em twice afore ye set sail.",
            ),
            (f"Say hello to {town}.", f"Ahoy there, {town}! May yer winds blow {way} and yer rum stay dry."),
        ][k % 4]


def smollm2():
    reader = GGUFReader(ASSETS / "SmolLM2-135M-Instruct.Q4_1.gguf")
    model, tokenizer = smollm2_model(reader), smollm2_tokenizer(reader)
    ids = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"

    def chat(*turns, system=system):
        turns = [("system", system), *zip(["user", "assistant"] * len(turns), turns)]
        return "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns) + "<|im_start|>assistant\n"

    prompts = [
        chat("What is the capital of France?"),
        chat("Write a haiku about the sea."),
        chat("Introduce yourself.", system="You are a pirate."),
        chat("List three prime numbers.", "2, 3, 5", "And the next two?"),
        chat("def fib(n): complete this Python function 🐍"),
    ]
    examples = []
    for question, answer in lessons():
        context, learned = ids(chat(question)), ids(answer + "<|im_end|>\n")
        examples.append(((context + learned)[:128], len(context)))
    return {
        "prompts": [continuation(model, ids(text)) for text in prompts],
        "story": losses_of(model, ids(STORY)[:200]),
        "lora": lora_losses(model, examples, 2, 128),
    }


def gemma3():
    reader = GGUFReader(ASSETS / "gemma-3-270m-q4_k_m.gguf")
    model = gemma3_model(reader)
    tokenizer = Tokenizer.from_file(str(ASSETS / "tokenizers/gemma3/tokenizer.json"))
    ids = lambda text: [2] + tokenizer.encode(text, add_special_tokens=False).ids
    prompts = ["The capital of France is", "Once upon a time, in a village by the sea,", "def fib(n):\n    ", "1, 1, 2, 3, 5, 8,"]
    licence = (FOLDER.parent.parent / "LICENSE-APACHE").read_text()
    examples = []
    for question, answer in lessons():
        context = ids(f"Question: {question}\nAnswer:")
        examples.append((context + ids(" " + answer)[1:] + [1], len(context)))
    return {
        # The last is longer than the window of 512 tokens that five of six layers see.
        "prompts": [continuation(model, ids(text)) for text in prompts] + [continuation(model, ids(licence)[:600])],
        "story": losses_of(model, ids(STORY)[:200]),
        "licence": losses_of(model, ids(licence)[:700]),
        "lora": lora_losses(model, examples, 0, max(len(x) for x, _ in examples)),
    }


def deviation(a, b):
    """The largest difference of two structures; infinite where they are not alike."""
    if isinstance(a, dict):
        return max([0.0, *(deviation(a[k], b[k]) for k in a)]) if a.keys() == b.keys() else float("inf")
    if isinstance(a, list):
        return max([0.0, *(deviation(x, y) for x, y in zip(a, b))]) if len(a) == len(b) else float("inf")
    if isinstance(a, float):
        return abs(a - b)
    return 0.0 if a == b else float("inf")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("parts", nargs="*")
    args = parser.parse_args()
    torch.manual_seed(0)
    far = False
    for part in args.parts or ["smollm2", "gemma3"]:
        found = {"smollm2": smollm2, "gemma3": gemma3}[part]()
        path = FOLDER / f"{part}.json"
        if args.check:
            off = deviation(json.loads(path.read_text()), found)
            print(f"{part}: largest deviation {off:.2g}")
            far |= off > 1e-4
        else:
            path.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
            print(f"wrote {path} ({path.stat().st_size} bytes)")
    sys.exit(far)


if __name__ == "__main__":
    main()
