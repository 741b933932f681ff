#!/usr/bin/env python3
"""Values of a matrix and a vector over six steps of each optimizer, with given gradients.

SGD and AdamW are PyTorch's, Adafactor is transformers', Lion is written out here after its paper (Chen et al. 2023, algorithm 2).
Needs torch 2.15.0 and transformers 5.23.0. Writes optimizers.json beside itself.
"""

import json
from pathlib import Path

import torch
from transformers.optimization import Adafactor

STEPS = 6
LR = 0.02
DECAY = 0.1


class Lion(torch.optim.Optimizer):
    """Sign of the interpolated momentum, decoupled weight decay."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            low, high = group["betas"]
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                direction = (low * mean + (1 - low) * p.grad).sign()
                p.sub_(group["lr"] * (direction + group["weight_decay"] * p))
                mean.mul_(high).add_(p.grad, alpha=1 - high)


def run(make, draws):
    matrix, vector = (torch.nn.Parameter(v.clone()) for v in draws["start"])
    optimizer = make([matrix], [vector])
    for gradients in draws["gradients"]:
        matrix.grad, vector.grad = (g.clone() for g in gradients)
        optimizer.step()
    return {"matrix": matrix.flatten().tolist(), "vector": vector.flatten().tolist()}


def groups(decayed, plain):
    """Vectors (norms, biases) take no weight decay."""
    return [{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}]


def main():
    torch.manual_seed(5)
    shapes = [(5, 7), (6,)]
    draws = {
        "start": [torch.randn(s) for s in shapes],
        # The sizes of the rows differ, as those of real layers do.
        "gradients": [[torch.randn(5, 7) * torch.logspace(-3, 1, 5)[:, None], torch.randn(6)] for _ in range(STEPS)],
    }
    makers = {
        "adamw": lambda a, b: torch.optim.AdamW(groups(a, b), lr=LR, betas=(0.9, 0.99), eps=1e-8),
        "sgd": lambda a, b: torch.optim.SGD(groups(a, b), lr=LR, momentum=0.9),
        "lion": lambda a, b: Lion(groups(a, b), lr=LR, betas=(0.9, 0.99), weight_decay=0.0),
        "adafactor": lambda a, b: Adafactor(
            groups(a, b), lr=LR, scale_parameter=False, relative_step=False, warmup_init=False
        ),
    }
    flat = lambda pair: [t.flatten().tolist() for t in pair]
    out = {
        "lr": LR,
        "weight_decay": DECAY,
        "shapes": [list(s) for s in shapes],
        "start": flat(draws["start"]),
        "gradients": [flat(g) for g in draws["gradients"]],
        "after": {name: run(make, draws) for name, make in makers.items()},
    }
    Path(__file__).with_name("optimizers.json").write_text(json.dumps(out) + "\n")


main()
