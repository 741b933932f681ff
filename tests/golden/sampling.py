"""What transformers' logits processors leave of made-up scores: writes sampling.json beside this file.

Run with a Python that has torch and transformers: python tests/golden/sampling.py
"""

import json
from pathlib import Path

import torch
import transformers
from transformers import (
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

CASES = [
    {"temperature": 1.0},
    {"temperature": 0.7, "top_k": 5},
    {"temperature": 1.3, "top_p": 0.8},
    {"temperature": 0.9, "min_p": 0.1},
    {"temperature": 1.0, "repetition_penalty": 1.3},
    {"temperature": 0.8, "top_k": 12, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.1},
]


def processed(scores, seen, case):
    """The processors in the order in which `generate` applies them."""
    ids = torch.tensor([seen])
    x = torch.tensor([scores])
    if "repetition_penalty" in case:
        x = RepetitionPenaltyLogitsProcessor(case["repetition_penalty"])(ids, x)
    x = TemperatureLogitsWarper(case["temperature"])(ids, x) if case["temperature"] != 1.0 else x
    if "top_k" in case:
        x = TopKLogitsWarper(case["top_k"])(ids, x)
    if "top_p" in case:
        x = TopPLogitsWarper(case["top_p"])(ids, x)
    if "min_p" in case:
        x = MinPLogitsWarper(case["min_p"])(ids, x)
    return torch.softmax(x[0].double(), -1)


def main():
    torch.manual_seed(11)
    scores = [round(v, 4) for v in (torch.randn(40) * 2.5).tolist()]
    seen = [3, 7, 7, 19, 31]
    cases = []
    for case in CASES:
        kept = {i: p for i, p in enumerate(processed(scores, seen, case).tolist()) if p > 0}
        cases.append({**case, "kept": [[i, p] for i, p in kept.items()]})
    made = {"transformers": transformers.__version__, "scores": scores, "seen": seen, "cases": cases}
    Path(__file__).with_name("sampling.json").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
