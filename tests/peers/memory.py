#!/usr/bin/env python3
"""Measures what training runs take, beside what Burnish expects them to take.

    python tests/peers/memory.py --burnish target/release/burnish --model MODEL_FOLDER [--model OTHER.gguf] [--device NAME] [--only NAME]...

Every run is one optimizer step on rows of raw text that fill the maximum length. Its dry step tells the estimate and the measured peak:
on the CPU resident memory above the idle worker, elsewhere the bytes that were reserved on the device. Prints a table and exits with 1
when a peak (of the CPU: one over 500 MB) is missed by more than 10 %. Other devices have a list of their own, small enough for a GPU in
software, where a run takes minutes: most of them for trying kernels, which a `cubecl.toml` here cuts to one sample each.
MODEL_FOLDER is SmolLM2-135M as a Hugging Face folder, OTHER.gguf the same as a Q4_1 file. Needs nothing but Python.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS = "the quick brown fox jumps over a lazy dog while nine curious owls watch from an old oak tree ".split()

# name, model (starter, folder, gguf), rows, tokens, settings
FIRST = [
    ("starter LoRA", "starter", 64, 256, []),
    ("starter full", "starter", 64, 256, ["method.kind=full"]),
    ("LoRA", "folder", 4, 256, []),
    ("LoRA, checkpointing", "folder", 8, 512, ["batch.checkpointing=true"]),
    ("QLoRA", "folder", 4, 256, ["method.quant=nf4"]),
    ("full", "folder", 2, 256, ["method.kind=full"]),
    ("LoRA on GGUF", "gguf", 4, 512, []),
]
# Chosen after the estimator was frozen.
AFTER = [
    ("starter LoRA, accumulation", "starter", 96, 192, ["batch.accumulation=2"]),
    ("LoRA r 64", "folder", 2, 512, ["method.r=64", "method.alpha=64"]),
    ("QLoRA, checkpointing", "folder", 16, 256, ["method.quant=nf4", "batch.checkpointing=true"]),
    ("full, Adafactor", "folder", 4, 256, ["method.kind=full", "optim.name=adafactor"]),
    ("full, checkpointing, accumulation", "folder", 6, 384,
     ["method.kind=full", "batch.checkpointing=true", "batch.accumulation=2"]),
    ("8 bits", "folder", 3, 512, ["method.quant=q8"]),
    ("LoRA in bf16", "folder", 4, 256, ["model.compute=bf16"]),
    ("QLoRA in f16", "folder", 4, 256, ["method.quant=nf4", "model.compute=f16"]),
    ("full in bf16", "folder", 2, 256, ["method.kind=full", "model.compute=bf16"]),
]
# Off the CPU; those below the line had no part in finding what the estimator counts there. A larger model learns answers of a word, in rows of so many
# words: its head takes a device in software minutes for every hundred tokens that are learned.
DEVICE = [
    ("starter LoRA", "starter", 4, 256, []),
    ("starter LoRA, long", "starter", 1, 512, []),
    ("starter LoRA, checkpointing", "starter", 4, 256, ["batch.checkpointing=true"]),
    ("starter full", "starter", 2, 256, ["method.kind=full"]),
    ("starter QLoRA", "starter", 3, 256, ["method.quant=nf4"]),
    ("LoRA", "folder", 1, 40, []),
    # ----
    ("QLoRA", "folder", 1, 40, ["method.quant=nf4"]),
    ("starter LoRA r 64", "starter", 6, 128, ["method.r=64", "method.alpha=64"]),
    ("starter 8 bits, accumulation", "starter", 3, 192, ["method.quant=q8", "batch.accumulation=2"]),
    ("starter full, Adafactor", "starter", 1, 384, ["method.kind=full", "optim.name=adafactor"]),
    ("starter full, checkpointing", "starter", 4, 192, ["method.kind=full", "batch.checkpointing=true"]),
    ("LoRA on GGUF", "gguf", 1, 40, []),
]
# The least that trying a kernel takes.
TUNING = """[autotune]
level = "minimal"
[autotune.bench]
min_samples = 1
max_samples = 1
short_circuit_samples = 1
adaptive = false
"""


def words(row, count):
    """No two rows are alike."""
    return " ".join(WORDS[(j * (row + 1) + row) % len(WORDS)] for j in range(count))


def texts(path, count):
    """Texts of a thousand words each."""
    with open(path, "w") as out:
        for row in range(count):
            out.write(json.dumps({"text": words(row, 1000)}) + "\n")


def answers(path, count, length):
    """Questions of so many words, each with an answer of one."""
    with open(path, "w") as out:
        for row in range(count):
            out.write(json.dumps({"prompt": words(row, length), "completion": "Yes."}) + "\n")


def run(burnish, device, model, data, folder, config):
    name, kind, batch, length, settings = config
    count, mode = 2 * batch + 8, "all"
    if device == "cpu" or kind == "starter":
        texts(data, count)
    else:
        answers(data, count, length)
        length, mode = 8 * length, "assistant"
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'[model]\npath = "{model}"\ndevice = "{device}"\n[data]\nfiles = ["{data}"]\nmode = "{mode}"\nsplit = 0\n'
        f"max_length = {length}\n[optim]\nmax_steps = 1\n[batch]\nsize = {batch}\n"
    )
    if device != "cpu":
        (folder / "cubecl.toml").write_text(TUNING)
    command = [burnish, "train", str(recipe), "--run", str(folder / "run"), "--json", "--accept-findings"]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event.get("event") == "memory":
            return event
    raise SystemExit(f"{name}: no estimate came\n{done.stderr[-2000:]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--burnish", required=True)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", action="append", default=[])
    arguments = parser.parse_args()
    models = {"starter": "starter"}
    for model in arguments.model:
        models["gguf" if model.endswith(".gguf") else "folder"] = str(Path(model).resolve())
    burnish, on_cpu = str(Path(arguments.burnish).resolve()), arguments.device == "cpu"
    missed = False
    print(f"{'run':36} {'rows x tokens':>14} {'estimate':>9} {'measured':>9} {'ratio':>6}")
    for config in FIRST + AFTER if on_cpu else DEVICE:
        if config[1] not in models or (arguments.only and config[0] not in arguments.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "rows.jsonl"
            event = run(burnish, arguments.device, models[config[1]], data, Path(folder), config)
        ratio = event["estimated"] / max(event["measured"], 1)
        missed |= (event["measured"] > 500e6 or not on_cpu) and not 0.9 <= ratio <= 1.1
        size = f"{event['rows']} x {event['len']}"
        print(f"{config[0]:36} {size:>14} {event['estimated'] / 1e6:9.0f} {event['measured'] / 1e6:9.0f} {ratio:6.3f}", flush=True)
    sys.exit(missed)


main()
