#!/usr/bin/env python3
"""Measures what training runs take on the CPU, beside what Burnish expects them to take.

    python tests/peers/memory.py --burnish target/release/burnish --model MODEL_FOLDER [--model OTHER.gguf] [--only NAME]...

Every run is one optimizer step on rows of raw text that fill the maximum length. Its dry step tells the estimate and the measured
peak (resident memory above the idle worker). Prints a table and exits with 1 when a peak over 500 MB is missed by more than 10 %.
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


def rows(path, count):
    """Texts of a thousand words each, no two alike."""
    with open(path, "w") as out:
        for i in range(count):
            text = " ".join(WORDS[(j * (i + 1) + i) % len(WORDS)] for j in range(1000))
            out.write(json.dumps({"text": text}) + "\n")


def run(burnish, model, data, folder, config):
    name, _, batch, length, settings = config
    recipe = folder / "recipe.toml"
    recipe.write_text(
        f'[model]\npath = "{model}"\ndevice = "cpu"\n[data]\nfiles = ["{data}"]\nmode = "all"\nsplit = 0\n'
        f"max_length = {length}\n[optim]\nmax_steps = 1\n[batch]\nsize = {batch}\n"
    )
    command = [burnish, "train", str(recipe), "--run", str(folder / "run"), "--json", "--accept-findings"]
    for setting in settings:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event.get("event") == "memory":
            return event
    raise SystemExit(f"{name}: no estimate came\n{done.stderr[-2000:]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--burnish", required=True)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--only", action="append", default=[])
    arguments = parser.parse_args()
    models = {"starter": "starter"}
    for model in arguments.model:
        models["gguf" if model.endswith(".gguf") else "folder"] = model
    missed = False
    print(f"{'run':36} {'rows x tokens':>14} {'estimate':>9} {'measured':>9} {'ratio':>6}")
    for config in FIRST + AFTER:
        if config[1] not in models or (arguments.only and config[0] not in arguments.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "rows.jsonl"
            rows(data, 2 * config[2] + 8)
            event = run(arguments.burnish, models[config[1]], data, Path(folder), config)
        ratio = event["estimated"] / max(event["measured"], 1)
        missed |= event["measured"] > 500e6 and not 0.9 <= ratio <= 1.1
        size = f"{event['rows']} x {event['len']}"
        print(f"{config[0]:36} {size:>14} {event['estimated'] / 1e6:9.0f} {event['measured'] / 1e6:9.0f} {ratio:6.3f}", flush=True)
    sys.exit(missed)


main()
