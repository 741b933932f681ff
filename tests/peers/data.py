#!/usr/bin/env python3
"""Preparing a data set beside TRL and the bare encoder: the same rows, tokenizer, template, machine and number of processors.

    python3 tests/peers/data.py --burnish target/release/burnish --tokenizer FOLDER --template qwen2_5_training.jinja --text FILE...

Makes up conversations of about 300 tokens from the sentences of the texts (plain text, or every long string of .json and .jsonl files)
with a fixed seed. Each round measures, one after the other and each in a process of its own:

  burnish   `burnish bench data`: from the file to ids, masks and audit facts, the cache written; then the same from the cache
  trl       what TRL's trainer does: tokenizer.apply_chat_template(return_assistant_tokens_mask=True) through datasets.map, num_proc =
            processors; reading the file is not timed
  encoder   tokenizers' encode_batch of the texts, rendered before; nothing else is timed

The ratios are medians of the ratios within a round, so that a machine that is busy for a while slows all of them. The ids and masks of
the first rows are compared too. Needs Python 3.11 and

    pip install transformers==5.23.0 datasets==5.2.0 tokenizers==0.23.3 jinja2

`--audit` also times `burnish audit` on all rows. Prints one JSON object per measurement, then one with the ratios.
"""
import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEED, CHUNK, COMPARED = 20261121, 1000, 200
SYSTEMS = ["You are a helpful assistant.", "Answer in one or two sentences.", "You speak like the people of an old play."]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def sentences(files):
    found = []
    for file in files:
        text = Path(file).read_text(encoding="utf-8", errors="ignore")
        if file.endswith(".jsonl"):
            texts = [s for line in text.splitlines() if line.strip() for s in strings(json.loads(line))]
        elif file.endswith(".json"):
            texts = list(strings(json.loads(text)))
        else:
            texts = [text]
        for text in texts:
            found += [s.strip() for s in re.split(r"(?<=[.!?])\s+", text) if 20 < len(s) < 400]
    return found


def write_rows(path, files, count, characters):
    """Conversations of about `characters` characters: a system prompt in half of them, one to three turns."""
    pool, dice = sentences(files), random.Random(SEED)

    def say(length):
        said = []
        while sum(map(len, said)) < length:
            said.append(dice.choice(pool))
        return " ".join(said)

    with open(path, "w", encoding="utf-8") as out:
        for _ in range(count):
            messages = [{"role": "system", "content": dice.choice(SYSTEMS)}] if dice.random() < 0.5 else []
            turns = dice.randint(1, 3)
            for _ in range(turns):
                share = characters * dice.uniform(0.6, 1.4) / turns
                messages.append({"role": "user", "content": say(share * 0.3)})
                messages.append({"role": "assistant", "content": say(share * 0.7)})
            out.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def tokenizer(args):
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(args.tokenizer)
    loaded.chat_template = Path(args.template).read_text(encoding="utf-8")
    return loaded


def trl(args):
    import datasets

    datasets.disable_progress_bars()
    loaded = tokenizer(args)
    rows = datasets.Dataset.from_list([json.loads(line) for line in open(args.rows, encoding="utf-8")])

    def tokenize(row):
        done = loaded.apply_chat_template(row["messages"], return_dict=True, return_assistant_tokens_mask=True)
        return {"input_ids": done["input_ids"], "assistant_masks": done["assistant_masks"]}

    start = time.perf_counter()
    done = rows.map(tokenize, num_proc=args.processors, remove_columns=["messages"], load_from_cache_file=False)
    seconds = time.perf_counter() - start
    first = [[done[i]["input_ids"], done[i]["assistant_masks"]] for i in range(min(COMPARED, len(done)))]
    Path(args.first).write_text(json.dumps(first))
    print(json.dumps({"seconds": seconds, "rows": len(done)}))


def encoder(args):
    import tokenizers

    loaded = tokenizer(args)
    texts = []
    for line in open(args.rows, encoding="utf-8"):
        texts.append(loaded.apply_chat_template(json.loads(line)["messages"], tokenize=False))
    bare = tokenizers.Tokenizer.from_file(str(Path(args.tokenizer) / "tokenizer.json"))
    bare.encode_batch(texts[:CHUNK], add_special_tokens=False)
    tokens, start = 0, time.perf_counter()
    for at in range(0, len(texts), CHUNK):
        tokens += sum(len(e) for e in bare.encode_batch(texts[at : at + CHUNK], add_special_tokens=False))
    print(json.dumps({"seconds": time.perf_counter() - start, "rows": len(texts), "tokens": tokens}))


def run(command, args):
    count = str(args.processors)
    environment = dict(os.environ, RAYON_NUM_THREADS=count, TOKENIZERS_PARALLELISM="true", HF_HUB_OFFLINE="1", BURNISH_HOME=args.home)
    if command[-1] == "trl":
        # Its processes are the parallelism.
        environment["TOKENIZERS_PARALLELISM"] = "false"
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        sys.exit(f"{command} failed:\n{done.stderr}")
    result = json.loads(lines[-1])
    result["whole_seconds"] = time.perf_counter() - start
    return result


def say(name, rows, tokens, seconds):
    speed = {"rows_per_second": round(rows / seconds), "tokens_per_second": round(tokens / seconds)}
    print(json.dumps({"program": name, "seconds": round(seconds, 2), **speed, "load": round(os.getloadavg()[0], 2)}), flush=True)


def burnish(args, verb):
    shared = ["--model", args.tokenizer, "--template", args.template, "--max-length", str(args.max_length)]
    if verb == "bench":
        return run([args.burnish, "bench", "data", "--rows", args.rows, *shared, "--runs", "1", "--json"], args)
    return run([args.burnish, verb, args.rows, *shared, "--json"], args)


def check(args):
    """The first rows are the same in both."""
    expected = json.loads(Path(args.first).read_text())
    command = [args.burnish, "inspect", args.rows, "--model", args.tokenizer, "--template", args.template, "--mode", "template", "--json"]
    shown = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for number, (ids, mask) in enumerate(expected):
        row = json.loads(shown.stdout.readline())
        if row["ids"] != ids or row["mask"] != mask:
            sys.exit(f"Row {number} differs from TRL's.")
    shown.kill()


def compare(args):
    ratios, child = {}, [sys.executable, __file__, "--tokenizer", args.tokenizer, "--template", args.template, "--rows", args.rows]
    child += ["--processors", str(args.processors), "--first", args.first, "--child"]
    for _ in range(args.rounds):
        ours = burnish(args, "bench")
        tokens, anew, kept = ours["tokens"], ours["anew"][0], ours["kept"][0]
        say("burnish anew", ours["rows"], tokens, anew)
        say("burnish kept", ours["rows"], tokens, kept)
        for name in ["encoder", "trl"]:
            # Burnish's workers run at this priority too.
            peer = run(["nice", "-n", "5", *child, name], args)
            say(name, peer["rows"], peer.get("tokens", tokens), peer["seconds"])
            ratios.setdefault(f"burnish anew / {name}", []).append(peer["seconds"] / anew)
        ratios.setdefault("kept, seconds", []).append(kept)
    check(args)
    if args.audit:
        audit = burnish(args, "audit")
        pace = audit["summary"]["pace"]
        say("burnish audit, cached" if pace["cached"] else "burnish audit", audit["summary"]["rows"]["read"],
            audit["summary"]["tokens"]["all"], audit["whole_seconds"])
    print(json.dumps({name: round(statistics.median(values), 3) for name, values in ratios.items()}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True, help="folder with tokenizer.json and tokenizer_config.json")
    parser.add_argument("--template", required=True, help=".jinja file with generation blocks")
    parser.add_argument("--burnish", default="target/release/burnish")
    parser.add_argument("--text", nargs="+")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--characters", type=int, default=1150)
    parser.add_argument("--max-length", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processors", type=int, default=os.cpu_count())
    parser.add_argument("--audit", action="store_true")
    parser.add_argument("--rows", help="rows made before, or where to keep them")
    parser.add_argument("--first", help=argparse.SUPPRESS)
    parser.add_argument("--child", choices=["trl", "encoder"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return {"trl": trl, "encoder": encoder}[args.child](args)
    with tempfile.TemporaryDirectory() as folder:
        args.home = folder
        args.first = args.first or f"{folder}/first.json"
        args.rows = args.rows or f"{folder}/rows.jsonl"
        if not Path(args.rows).exists():
            write_rows(args.rows, args.text or [], args.count, args.characters)
        compare(args)


if __name__ == "__main__":
    main()
