"""Time of each loss, forward and backward, against torch's cross entropy.

python -m tests.benchmarks losses [--repeats 200] [--device cpu] [--threads 2]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import torch
from torch.nn import functional

from imbalkit.functional.ce import CrossEntropy, WeightedCrossEntropy
from imbalkit.functional.focal import Focal
from imbalkit.functional.rce import RecallCrossEntropy


def main(arguments: list[str]) -> None:
    """A line for each batch, number of classes and loss; the losses take turns within each repeat."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks losses")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    sys.stdout.write(f"{options.device}, {torch.get_num_threads()} threads, microseconds and ratio (quartiles)\n")
    for rows in (128, 4096):
        for classes in (2, 10):
            measure(rows, classes, options.repeats, torch.device(options.device))


def measure(rows: int, classes: int, repeats: int, device: torch.device) -> None:
    """Print the median time of each loss and its median ratio to that of torch in the same repeat."""
    logits = torch.randn(rows, classes, device=device, requires_grad=True)
    targets = torch.randint(classes, (rows,), device=device)
    costs = [*[1.0] * (classes - 1), 3.0]
    losses = {
        "torch": functional.cross_entropy,
        "ce": CrossEntropy(),
        "weighted_ce": WeightedCrossEntropy(costs),
        "focal": Focal(classes, alpha=costs),
        "gamma_rce": RecallCrossEntropy(classes, costs=costs),
    }
    modules = {name: loss.to(device) if isinstance(loss, torch.nn.Module) else loss for name, loss in losses.items()}
    times: dict[str, list[float]] = {name: [] for name in modules}
    for _ in range(repeats + 10):
        for name, loss in modules.items():
            logits.grad = None
            started = clock(device)
            loss(logits, targets).backward()
            times[name].append(clock(device) - started)
    kept = {name: values[10:] for name, values in times.items()}
    for name in [*modules][1:]:
        ratios = [a / b for a, b in zip(kept[name], kept["torch"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        micro = [1e6 * statistics.median(kept[which]) for which in (name, "torch")]
        sys.stdout.write(
            f"{rows:5} rows, {classes:2} classes, {name:12} {micro[0]:7.0f} against {micro[1]:7.0f}: "
            f"{middle:.2f} ({low:.2f} to {high:.2f})\n"
        )


def clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
