"""Regenerates the golden values in this folder that the tests in tests/gpu compare with.

    python3 tests/golden/regenerate.py            writes every file
    python3 tests/golden/regenerate.py lora sft   writes the files of two parts
    python3 tests/golden/regenerate.py --check    compares with the stored files and writes nothing

The values come from the implementations that people fine-tune with in Python: the model from transformers,
adapters from PEFT, packing and whole training runs from TRL, gradients and AdamW from torch. Everything is
drawn from fixed seeds and runs in f32 on one thread of a CPU, in about a minute. It needs Python 3.11 and

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 trl==1.16.0 accelerate==1.15.0 \
        datasets==5.2.0 tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6

README.md in this folder says what each file holds and how closely the tests compare.
"""

import argparse
import importlib.metadata
import json
import logging
import math
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, PrinterCallback
from transformers import get_scheduler
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

FOLDER = Path(__file__).resolve().parent
TOLERANCE = 1e-6  # what --check accepts: absolute up to a value of 1, relative above
VERSIONS = {
    "torch": "2.15.0",
    "transformers": "5.23.0",
    "peft": "0.21.2",
    "trl": "1.16.0",
    "accelerate": "1.15.0",
    "datasets": "5.2.0",
    "tokenizers": "0.23.3",
    "safetensors": "0.8.0",
    "numpy": "2.4.6",
}

VOCABULARY = 259  # 256 bytes and three special ids
BOS, EOS, PAD = 256, 257, 258
IGNORED = -100  # the label of a token that is not learned
TIED = {"untied": False, "tied": True}
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

# One seed for each thing that is drawn. Changing one changes every value that depends on it.
SEED_MODEL = 7
SEED_BATCH = 11
SEED_SFT_ROWS = 17
SEED_ADAPTER = 21
SEED_PACKING = 41


# The model, its batch and its adapters


def config(tied):
    """The shape of the tiny Llama: two layers, grouped-query attention with four heads on two."""
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        rms_norm_eps=1e-5,
        hidden_act="silu",
        attention_bias=False,
        mlp_bias=False,
        tie_word_embeddings=tied,
        bos_token_id=BOS,
        eos_token_id=EOS,
        pad_token_id=PAD,
    )


def tiny_llama(tied=False):
    """The tiny Llama with random weights, large enough for its answers to be far from uniform.

    Parameters are drawn in the order of their names, lm_head last: so the tied model has the weights of the
    untied one.
    """
    settings = config(tied)
    settings._attn_implementation = "eager"
    model = LlamaForCausalLM(settings)
    draws = torch.Generator().manual_seed(SEED_MODEL)
    parameters = dict(model.named_parameters())
    head = parameters.pop("lm_head.weight", None)
    ordered = sorted(parameters.items())
    if head is not None:
        ordered.append(("lm_head.weight", head))
    with torch.no_grad():
        for name, parameter in ordered:
            noise = torch.randn(parameter.shape, generator=draws)
            if "norm" in name:
                parameter.copy_(1 + 0.1 * noise)
            elif "embed" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise * (1.2 / np.sqrt(parameter.shape[1])))
    return model.eval()


def tiny_batch():
    """Two rows of 17 random bytes; the labels leave out both beginnings and the end of the second row."""
    draws = torch.Generator().manual_seed(SEED_BATCH)
    ids = torch.randint(0, 256, (2, 17), generator=draws)
    labels = ids.clone()
    labels[0, :6] = IGNORED
    labels[1, :3] = IGNORED
    labels[1, -2:] = IGNORED
    return ids, labels


def lora_config(**options):
    """LoRA of rank 4 on every linear layer of the blocks."""
    return LoraConfig(
        task_type="CAUSAL_LM",
        r=4,
        lora_alpha=8,
        lora_dropout=0.0,
        bias="none",
        target_modules=TARGETS,
        **options,
    )


def draw_adapter(model):
    """Gives A and B of a PEFT model random values: a fresh B is zero and would hide most mistakes."""
    draws = torch.Generator().manual_seed(SEED_ADAPTER)
    size = {"lora_A": 0.15, "lora_B": 0.1}
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            for kind in size:
                if kind in name:
                    parameter.copy_(size[kind] * torch.randn(parameter.shape, generator=draws))


def adapted(**options):
    """The untied tiny Llama with LoRA."""
    model = get_peft_model(tiny_llama(), lora_config(**options))
    draw_adapter(model)
    return model.eval()


# What is measured


def trainable(model):
    """Parameters that are trained, by the names that PEFT gives them in files."""
    named = model.named_parameters()
    return {name.replace(".default", ""): parameter for name, parameter in named if parameter.requires_grad}


def prefixed(prefix, tensors):
    """Copies of tensors, with `prefix` in front of their names."""
    return {f"{prefix}.{name}": tensor.detach().clone() for name, tensor in tensors.items()}


def token_losses(logits, labels):
    """The loss of each token but the first of a row; 0 where the label is left out."""
    return functional.cross_entropy(
        logits[:, :-1].transpose(1, 2), labels[:, 1:], ignore_index=IGNORED, reduction="none"
    )


def forward_backward(model, ids, labels):
    """One pass: the output, and the gradients of what is trained."""
    model.zero_grad()
    output = model(input_ids=ids, labels=labels)
    output.loss.backward()
    return output, {name: parameter.grad for name, parameter in trainable(model).items()}


def three_steps(model, ids, labels, clip=math.inf):
    """Trains for three AdamW steps on one batch. Returns losses and norms of gradients before clipping."""
    parameters = list(trainable(model).values())
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    losses, norms = [], []
    for _ in range(3):
        output, _ = forward_backward(model, ids, labels)
        losses.append(output.loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, clip).item())
        optimizer.step()
    return losses, norms


# The parts: each returns what its files hold, by file name


def part_tiny_llama():
    """Logits, losses, gradients, three AdamW steps and greedy continuations, untied and tied."""
    ids, labels = tiny_batch()
    tensors = prefixed("untied.weight", dict(tiny_llama().named_parameters()))
    report = {"input_ids": ids.tolist(), "labels": labels.tolist(), "cases": {}}
    files = {}
    for case, tied in TIED.items():
        model = tiny_llama(tied)
        output, gradients = forward_backward(model, ids, labels)
        tensors[f"{case}.logits"] = output.logits.detach()
        tensors |= prefixed(f"{case}.grad", gradients)
        files[f"tiny_llama.{case}.config.json"] = json.loads(config(tied).to_json_string())

        trained = tiny_llama(tied)
        losses, norms = three_steps(trained, ids, labels)
        tensors |= prefixed(f"{case}.adamw3", trainable(trained))
        with torch.no_grad():
            after = trained(input_ids=ids, labels=labels).loss.item()
        prompts = ids[:, :8]
        greedy = model.generate(
            prompts,
            attention_mask=torch.ones_like(prompts),
            max_new_tokens=12,
            do_sample=False,
            pad_token_id=PAD,
            eos_token_id=None,
        )
        report["cases"][case] = {
            "loss": output.loss.item(),
            "per_token_loss_shifted": token_losses(output.logits, labels).tolist(),
            "adamw3": {"losses": losses, "grad_norms": norms, "loss_after": after},
            "greedy_from_first_8_ids_12_tokens": greedy[:, 8:].tolist(),
        }
    return files | {"tiny_llama.json": report, "tiny_llama.safetensors": tensors}


def part_lora():
    """LoRA and rsLoRA: logits, gradients, merged weights, three AdamW steps with and without clipping."""
    ids, labels = tiny_batch()
    tensors = prefixed("lora.param", trainable(adapted()))
    report = {"input_ids": ids.tolist(), "labels": labels.tolist(), "cases": {}}
    cases = {
        "lora": ({}, {"adamw3": math.inf, "adamw3_clip1.0": 1.0}),
        "rslora": ({"use_rslora": True}, {"adamw3": math.inf}),
    }
    for case, (options, runs) in cases.items():
        output, gradients = forward_backward(adapted(**options), ids, labels)
        tensors[f"{case}.logits"] = output.logits.detach()
        tensors |= prefixed(f"{case}.grad", gradients)
        values = report["cases"][case] = {"loss": output.loss.item()}

        merged = dict(adapted(**options).merge_and_unload().named_parameters())
        for name in ("model.layers.0.self_attn.q_proj.weight", "model.layers.1.mlp.down_proj.weight"):
            tensors[f"{case}.merged.{name}"] = merged[name].detach()

        for run, clip in runs.items():
            model = adapted(**options)
            losses, norms = three_steps(model, ids, labels, clip)
            values[run] = {"losses": losses, "grad_norms_before_clip": norms}
            tensors |= prefixed(f"{case}.{run}", trainable(model))
    return {"lora_step.json": report, "lora_step.safetensors": tensors}


def part_adapter():
    """The adapter of the lora part, in the files that PEFT writes."""
    with tempfile.TemporaryDirectory() as folder:
        adapted().save_pretrained(folder)
        settings = json.loads((Path(folder) / "adapter_config.json").read_text())
        tensors = load_file(Path(folder) / "adapter_model.safetensors")
    settings["target_modules"].sort()  # PEFT writes a set, in an order that changes from run to run
    return {
        "peft_adapter_lora/adapter_config.json": settings,
        "peft_adapter_lora/adapter_model.safetensors": tensors,
    }


def part_packing():
    """Losses of two examples alone, and of the row into which TRL's padding-free collator packs them."""
    draws = torch.Generator().manual_seed(SEED_PACKING)
    examples = []
    for length, prompt in ((9, 4), (13, 5)):
        ids = torch.randint(0, 256, (length,), generator=draws).tolist()
        examples.append({"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]})
    row = DataCollatorForLanguageModeling(pad_token_id=PAD, padding_free=True)(examples)
    model = tiny_llama()

    def losses(ids, labels, **options):
        with torch.no_grad():
            return token_losses(model(input_ids=ids, **options).logits, labels)[0].tolist()

    first, second = (losses(torch.tensor([e["input_ids"]]), torch.tensor([e["labels"]])) for e in examples)
    # Without a cache, transformers keeps attention within the parts that position_ids show.
    packed = losses(row["input_ids"], row["labels"], position_ids=row["position_ids"], use_cache=False)
    apart = max(abs(a - b) for a, b in zip(packed, first + [0.0] + second, strict=True))
    assert apart < 5e-6, f"the parts of the packed row see each other: their losses differ by {apart}"
    return {
        "packing.json": {
            "example": {
                "seq_a": examples[0]["input_ids"],
                "labels_a": examples[0]["labels"],
                "seq_b": examples[1]["input_ids"],
                "labels_b": examples[1]["labels"],
                "position_ids": row["position_ids"][0].tolist(),
                "per_token_loss_a_alone_shifted(len 8)": first,
                "per_token_loss_b_alone_shifted(len 12)": second,
                "per_token_loss_packed_shifted(len 21; index 8 is the boundary, label masked)": packed,
            }
        }
    }


def part_schedule():
    """Learning rates of transformers' schedules with a peak of 1, as each optimizer step uses them."""
    cases = [
        ("cosine", 10, 100, {}),
        ("linear", 10, 100, {}),
        ("constant_with_warmup", 10, 100, {}),
        ("constant", 0, 100, {}),
        ("cosine", 0, 7, {}),
        ("linear", 2, 5, {}),
        ("inverse_sqrt", 10, 100, {}),
        ("inverse_sqrt", 0, 9, {}),
        ("warmup_stable_decay", 10, 100, {"num_decay_steps": 20}),
        ("warmup_stable_decay", 0, 7, {"num_decay_steps": 3}),
    ]
    schedules = []
    for name, warmup, total, kwargs in cases:
        optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = get_scheduler(
            name,
            optimizer,
            num_warmup_steps=warmup,
            num_training_steps=total,
            scheduler_specific_kwargs=kwargs or None,
        )
        rates = []
        for _ in range(total):
            rates.append(float(scheduler.get_last_lr()[0]))
            optimizer.step()
            scheduler.step()
        schedules.append(
            {
                "name": name,
                "num_warmup_steps": warmup,
                "num_training_steps": total,
                "kwargs": kwargs,
                "lr_at_optimizer_step": rates,
            }
        )
    return {"schedule.json": {"schedules": schedules}}


def sft_rows():
    """24 rows of 5 to 40 random bytes, each with a prompt of random length that is not learned."""
    draws = np.random.default_rng(SEED_SFT_ROWS)
    rows = []
    for _ in range(24):
        length = int(draws.integers(5, 41))
        ids = draws.integers(0, 256, length).tolist()
        prompt = int(draws.integers(0, length - 2))
        rows.append({"input_ids": ids, "labels": [IGNORED] * prompt + ids[prompt:]})
    return rows


def padding_tokenizer():
    """A tokenizer that lends TRL its padding id, 2. It tokenizes nothing: the rows are ids already."""
    words = WordLevel({"<unk>": 0, "<bos>": 1, "<pad>": 2}, unk_token="<unk>")
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(words),
        unk_token="<unk>",
        bos_token="<bos>",
        eos_token="<pad>",
        pad_token="<pad>",
    )


class CountingTrainer(SFTTrainer):
    """TRL's trainer, noting by how many learned tokens it divides the loss of each micro-batch."""

    def __init__(self, *args, **options):
        self.counts = []
        super().__init__(*args, **options)

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """Notes the number of tokens and leaves the rest to TRL."""
        self.counts.append(int(num_items_in_batch))
        return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)


def train_with_trl(rows, adapter, folder):
    """Four steps of TRL's SFTTrainer: two micro-batches of two padded rows a step, in given order."""
    settings = SFTConfig(
        output_dir=folder,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
        max_steps=4,
        learning_rate=1e-3,
        lr_scheduler_type="linear",
        warmup_steps=1,
        weight_decay=0.01,
        max_grad_norm=1.0,
        max_length=64,
        packing=False,
        train_sampling_strategy="sequential",
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        dataloader_pin_memory=False,
        seed=0,
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = CountingTrainer(
        model=tiny_llama().train(),
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=padding_tokenizer(),
        peft_config=adapter,
    )
    trainer.remove_callback(PrinterCallback)
    if adapter is not None:
        draw_adapter(trainer.model)
    trainer.train()
    return trainer


def part_sft():
    """Losses, norms, learning rates and final weights of two short runs: everything trained, and LoRA."""
    rows = sft_rows()
    report, tensors = {"rows": rows, "runs": {}}, {}
    kept = {
        "model.layers.0.self_attn.q_proj.weight",
        "model.layers.1.input_layernorm.weight",
        "model.layers.1.mlp.down_proj.weight",
        "model.norm.weight",
    }
    for run, adapter in (("padded", None), ("lora_padded", lora_config())):
        with tempfile.TemporaryDirectory() as folder:
            trainer = train_with_trl(rows, adapter, folder)
        steps = [entry for entry in trainer.state.log_history if "loss" in entry]
        report["runs"][run] = {
            "micro_batches": [{"num_items_in_batch": count} for count in trainer.counts],
            "log": [{key: step[key] for key in ("loss", "grad_norm", "learning_rate")} for step in steps],
        }
        after = trainable(trainer.model)
        if adapter is None:
            after = {name: after[name] for name in kept}
        tensors |= prefixed(f"{run}.after", after)
    return {"sft_trainer.json": report, "sft_trainer.safetensors": tensors}


PARTS = {
    "tiny_llama": part_tiny_llama,
    "lora": part_lora,
    "adapter": part_adapter,
    "packing": part_packing,
    "schedule": part_schedule,
    "sft": part_sft,
}


# Files


def write(path, content):
    """Writes JSON or tensors, named after what the file is."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".safetensors":
        tensors = {name: content[name].contiguous() for name in sorted(content)}
        save_file(tensors, path, metadata={"format": "pt"})
    else:
        # People read configurations; the rest is numbers.
        indent = 2 if path.stem.endswith("config") else None
        path.write_text(json.dumps(content, indent=indent) + "\n")


def leaves(value, at=""):
    """Each value in nested JSON or in tensors, with the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{at}/{key}")
    elif isinstance(value, list):
        yield f"{at}/length", len(value)
        for index, inner in enumerate(value):
            yield from leaves(inner, f"{at}/{index}")
    else:
        yield at, value


def deviation(found, stored):
    """How far two leaves are apart, relative to stored values above 1; infinitely if not comparable."""
    if isinstance(found, torch.Tensor):
        if found.shape != stored.shape or found.dtype != stored.dtype:
            return math.inf
        found, stored = found.double(), stored.double()
        return ((found - stored).abs() / stored.abs().clamp(min=1)).max().item()
    if type(found) is float and type(stored) is float:
        return abs(found - stored) / max(1, abs(stored))
    return 0.0 if type(found) is type(stored) and found == stored else math.inf


def check(path, content):
    """Compares with a stored file and says by how much they differ. Returns whether they agree."""
    name = path.relative_to(FOLDER)
    if not path.exists():
        print(f"{name}: missing")
        return False
    stored = load_file(path) if path.suffix == ".safetensors" else json.loads(path.read_text())
    found, stored = dict(leaves(content)), dict(leaves(stored))
    for way in sorted(found.keys() ^ stored.keys()):
        print(f"{name}: {way} is {'not stored' if way in found else 'stored, but not generated'}")
    shared = found.keys() & stored.keys()
    worst, way = max(((deviation(found[key], stored[key]), key) for key in shared), default=(math.inf, "/"))
    agrees = found.keys() == stored.keys() and worst <= TOLERANCE
    where = f" at {way}" if worst > 0 else ""
    print(f"{name}: {'agrees' if agrees else 'DIFFERS'}, largest deviation {worst:.2e}{where}")
    return agrees


def warn_of_other_versions():
    """Other versions may compute other values: says which packages are not those of the stored values."""
    for package, wanted in VERSIONS.items():
        found = importlib.metadata.version(package).split("+")[0]
        if found != wanted:
            print(f"{package} is {found}; the stored values come from {wanted}", file=sys.stderr)


def main():
    """Runs the parts that the command line names. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Regenerates the golden values of the tests in tests/gpu.")
    parser.add_argument(
        "--check",
        action="store_true",
        help=f"compare with the stored files (within {TOLERANCE:g}), write nothing",
    )
    parser.add_argument("parts", metavar="PART", nargs="*", help=f"{', '.join(PARTS)}; all if none is named")
    arguments = parser.parse_args()
    unknown = [part for part in arguments.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is named {unknown[0]}; there are {', '.join(PARTS)}")

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    disable_progress_bars()
    warn_of_other_versions()
    agree = True
    for part in arguments.parts or PARTS:
        for name, content in PARTS[part]().items():
            if arguments.check:
                agree &= check(FOLDER / name, content)
            else:
                write(FOLDER / name, content)
                print(f"{name}: {(FOLDER / name).stat().st_size} bytes")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
