#!/usr/bin/env python3
"""Training steps beside PyTorch and PEFT: the same shape with random weights, the same ids, the same device.

    python3 tests/peers/train.py --burnish target/release/burnish --shape llama-3.2-1b --device auto
    python3 tests/peers/train.py --burnish target/release/burnish --shape tiny --device cpu --tokens 128

One run is LoRA on every linear layer (alpha twice the rank, no dropout), AdamW and a global norm clipped to 1, every token learned: one
step that is not timed, then the median of the others. QLoRA is NF4 with double quantisation, on PyTorch's side by bitsandbytes, where
CUDA is there. PyTorch runs in f32 and in bf16 (weights and autocast; adapters and their optimizer in f32); --set adds settings to
Burnish's recipe, such as model.compute=f16. Each round measures every program once, in a process of its own; ratios are medians of
the ratios within a round. Memory is what was reserved on a GPU, else the largest resident size above that before the weights were made.
Needs Python 3.11 and

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.0 bitsandbytes==0.50.2

Prints one JSON object per measurement, then a table.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ADAPTER = {"lr": 2e-4, "weight_decay": 0.01}


def resident(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(key))


def peer(asked):
    """PyTorch's side, in a process of its own."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig, LlamaConfig

    torch.set_num_threads(asked["threads"])
    torch.manual_seed(0)
    gpu = asked["device"] == "cuda"
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[asked["precision"]]
    idle = resident("VmRSS:")
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    config = LlamaConfig(**{**asked["config"], "dtype": dtype})
    if asked["quant"] == "nf4":
        # Quantised while it is loaded, as users do.
        with tempfile.TemporaryDirectory() as folder:
            AutoModelForCausalLM.from_config(config, dtype=dtype).save_pretrained(folder)
            bits = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                                      bnb_4bit_compute_dtype=dtype)
            model = AutoModelForCausalLM.from_pretrained(folder, quantization_config=bits, device_map={"": 0})
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    else:
        with torch.device(asked["device"]):
            model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    rank = asked["rank"]
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, lora).train()
    model.config.use_cache = False
    trained = [p for p in model.parameters() if p.requires_grad]
    for p in trained:
        p.data = p.data.float()
    optimizer = torch.optim.AdamW(trained, **ADAPTER)
    rows, tokens, vocabulary = asked["rows"], asked["tokens"], asked["config"]["vocab_size"]
    ids = torch.tensor([[(row * tokens + i) * 7919 % vocabulary for i in range(tokens)] for row in range(rows)])
    ids = ids.to(asked["device"])
    seconds = []
    for step in range(asked["steps"] + 1):
        start = time.perf_counter()
        with torch.autocast(asked["device"], dtype, enabled=dtype != torch.float32):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        value = loss.item()
        if gpu:
            torch.cuda.synchronize()
        if step:
            seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "tokens_per_second": rows * tokens / statistics.median(seconds), "loss": value,
        "trainable": sum(p.numel() for p in trained),
        "peak_memory": torch.cuda.max_memory_reserved() if gpu else resident("VmHWM:") - idle,
        "device": torch.cuda.get_device_name() if gpu else "cpu",
    }))


def run(command, name, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or not lines:
        print(f"{name} failed:\n{done.stderr[-3000:]}", file=sys.stderr)
        return None
    return json.loads(lines[-1])


def burnish(args, quant):
    command = [args.burnish, "bench", "train", "--json", "--device", args.device]
    for key in ["shape", "tokens", "batch", "rank", "steps"]:
        command += [f"--{key}", str(getattr(args, key))]
    command += ["--quant", quant]
    for setting in args.set:
        command += ["--set", setting]
    environment = dict(os.environ, RAYON_NUM_THREADS=str(args.threads))
    return run(command, f"burnish {quant}", env=environment)


def pytorch(args, quant, precision, device, config):
    asked = {"config": config, "quant": quant, "precision": precision, "device": device, "threads": args.threads,
             "rows": args.batch, "tokens": args.tokens, "rank": args.rank, "steps": args.steps}
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1", PEER=json.dumps(asked))
    return run([sys.executable, __file__], f"pytorch {quant} {precision}", env=environment)


def has_cuda():
    import torch

    return torch.cuda.is_available()


def compare(args):
    device = "cuda" if args.device != "cpu" and has_cuda() else "cpu"
    found = {}
    for _ in range(args.rounds):
        for quant in args.quants:
            ours = burnish(args, quant)
            if ours is None:
                sys.exit(1)
            results = {"burnish": ours}
            for precision in args.precisions:
                if quant == "none" or device == "cuda":
                    results[f"pytorch {precision}"] = pytorch(args, quant, precision, device, ours["config"])
            for program, result in results.items():
                if result is None:
                    continue
                kept = {key: result[key] for key in ["tokens_per_second", "peak_memory", "loss", "trainable", "device"]}
                print(json.dumps({"program": program, "quant": quant, **kept, "load": round(os.getloadavg()[0], 2)}), flush=True)
                ratios = {"speed": ours["tokens_per_second"] / result["tokens_per_second"],
                          "memory": ours["peak_memory"] / max(result["peak_memory"], 1)}
                found.setdefault((quant, program), []).append({**kept, **ratios})
    middle = lambda rows, key: statistics.median(row[key] for row in rows)
    print(f"\n{args.shape}, {args.batch} x {args.tokens} tokens, rank {args.rank}, median of {args.rounds} rounds")
    print(f"{'base':6} {'program':14} {'tokens/s':>10} {'memory, MB':>11} {'speed ratio':>12} {'memory ratio':>13}  device")
    for (quant, program), rows in found.items():
        print(f"{quant:6} {program:14} {middle(rows, 'tokens_per_second'):10.1f} {middle(rows, 'peak_memory') / 1e6:11.0f} "
              f"{middle(rows, 'speed'):12.3f} {middle(rows, 'memory'):13.3f}  {rows[0]['device']}")
    print("Ratios are Burnish over the program of the line.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--burnish", default="target/release/burnish")
    parser.add_argument("--shape", default="llama-3.2-1b")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quants", nargs="+", default=["none", "nf4"], choices=["none", "nf4"])
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"], choices=["f32", "bf16"])
    parser.add_argument("--set", action="append", default=[])
    compare(parser.parse_args())


if __name__ == "__main__":
    if "PEER" in os.environ:
        peer(json.loads(os.environ["PEER"]))
    else:
        main()
