#!/usr/bin/env python3
"""Speed beside llama.cpp and transformers: the same GGUF file, the same machine, the same number of threads.

    python3 tests/peers/bench.py --burnish target/release/burnish --gguf SmolLM2-135M-Instruct.Q4_1.gguf

Each round measures every program once, one after the other, in a process of its own; the ratios are medians of the ratios within
a round, so that a machine that is busy for a while slows all of them. transformers computes in f32 with weights dequantised from
the same file. Needs Python 3.11 and

    pip install torch==2.15.0 transformers==5.23.0 gguf==0.19.0 llama-cpp-python==0.3.36

Prints one JSON object per measurement, then one with the ratios.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

PROMPT, DECODE, PREFILL = 18, 64, 512  # tokens, as `burnish bench` has them


def ids(count, vocabulary):
    return [i * 7919 % vocabulary for i in range(count)]


def report(kind, tokens, seconds):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"what": kind, "tokens_per_second": tokens / seconds, "peak_memory": peak}))


def timed(work):
    work()  # not timed: loads what is loaded late
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def llama_cpp(kind, args):
    from llama_cpp import Llama

    model = Llama(args.gguf, n_ctx=1024, n_threads=args.threads, n_threads_batch=args.threads, n_batch=512, verbose=False)
    if kind == "prefill":
        prompt = ids(PREFILL, model.n_vocab())

        def read():
            model.reset()
            model.eval(prompt)

        return report(kind, PREFILL, timed(read))
    spent = 0

    def write():
        nonlocal spent
        model.reset()
        model.eval(ids(PROMPT, model.n_vocab()))
        start = time.perf_counter()
        for _ in range(DECODE):
            model.eval([model.sample(temp=0.0, top_k=1, repeat_penalty=1.0)])
        spent = time.perf_counter() - start

    timed(write)
    return report(kind, DECODE, spent)


def transformers(kind, args):
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(args.threads)
    path = Path(args.gguf).resolve()
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    vocabulary = model.config.vocab_size
    with torch.inference_mode():
        if kind == "prefill":
            prompt = torch.tensor([ids(PREFILL, vocabulary)])
            return report(kind, PREFILL, timed(lambda: model(prompt, logits_to_keep=1)))
        spent = 0

        def write():
            nonlocal spent
            out = model(torch.tensor([ids(PROMPT, vocabulary)]), use_cache=True, logits_to_keep=1)
            start = time.perf_counter()
            for _ in range(DECODE):
                next_id = out.logits[:, -1:].argmax(-1)
                out = model(next_id, past_key_values=out.past_key_values, use_cache=True)
            spent = time.perf_counter() - start

        timed(write)
        return report(kind, DECODE, spent)


def measure(name, kind, args):
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), RAYON_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1")
    if name == "burnish":
        command = [args.burnish, "bench", kind, "--model", args.gguf, "--device", args.device, "--runs", "1", "--json"]
    else:
        command = [sys.executable, __file__, "--gguf", args.gguf, "--threads", str(args.threads), "--child", name, kind]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        sys.exit(f"{name} {kind} failed:\n{done.stderr}")
    result = json.loads(lines[-1])
    found = {"program": name, "what": kind, "tokens_per_second": round(result["tokens_per_second"], 2),
             "peak_memory": result["peak_memory"], "load": round(os.getloadavg()[0], 2)}
    print(json.dumps(found), flush=True)
    return result


def compare(args):
    ratios, size = {}, Path(args.gguf).stat().st_size
    for _ in range(args.rounds):
        for kind in args.kinds:
            burnish = measure("burnish", kind, args)
            for peer in args.peers:
                speed = measure(peer, kind, args)["tokens_per_second"]
                ratios.setdefault(f"{kind} burnish / {peer}", []).append(burnish["tokens_per_second"] / speed)
            if kind == "decode":
                ratios.setdefault("decode peak memory / file", []).append(burnish["peak_memory"] / size)
    print(json.dumps({name: round(statistics.median(values), 3) for name, values in ratios.items()}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--burnish", default="target/release/burnish")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=["decode", "prefill"])
    parser.add_argument("--peers", nargs="+", default=["llama_cpp", "transformers"], choices=["llama_cpp", "transformers"])
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        name, kind = args.child
        {"llama_cpp": llama_cpp, "transformers": transformers}[name](kind, args)
    else:
        compare(args)


if __name__ == "__main__":
    main()
