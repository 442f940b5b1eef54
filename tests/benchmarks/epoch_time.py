"""Time of an epoch against a plain PyTorch loop: same network, images in memory, batches, optimiser and schedule.

python -m tests.benchmarks epoch_time [--rows 1280] [--repeats 5]

The plain loop is a strict peer: its images are decoded beforehand and it does nothing but train.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from imbalkit_melanoma.mobilenet import MobileNetV1
from lightning_fabric import Fabric
from torch.nn import functional

from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.data.image_store import ArrayStore
from imbalkit.kinds import BuildContext
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import OptimizerSettings, TrainingSettings
from imbalkit.training.classifier import build_model
from imbalkit.training.fit import Fit
from imbalkit.training.optimization import build_optimizer
from imbalkit.training.phase import Phase
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer


def main(arguments: list[str]) -> None:
    """Alternate the two and print each one's times and the ratio pair by pair."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks epoch_time")
    parser.add_argument("--rows", type=int, default=1280)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (options.rows, options.size, options.size, 3), dtype=np.uint8)
    labels = (random.random(options.rows) < 0.08).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = (
            ours_epoch(pixels, labels, options.batch, Path(folder)),
            plain_epoch(pixels, labels, options.batch),
        )
        ours(), plain()  # warm-up
        pairs = [(timed(ours), timed(plain)) for _ in range(options.repeats)]
    ratios = [a / b for a, b in pairs]
    sys.stdout.write(
        f"{options.rows} rows, {options.size} px, batch {options.batch}, {torch.get_num_threads()} threads\n"
        f"imbalkit    {spread([a for a, _ in pairs])} s\nplain loop  {spread([b for _, b in pairs])} s\n"
        f"ratio       {spread(ratios)}\n"
    )


def timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.3f} (min {min(values):.3f}, max {max(values):.3f})"


def ours_epoch(pixels: np.ndarray, labels: np.ndarray, batch: int, folder: Path) -> Callable[[], None]:
    session = TrainingSession(
        fabric=Fabric(accelerator="cpu", devices=1),
        images=ArrayStore(pixels),
        settings=TrainingSettings(epochs=50, batch_size=batch),
        seed=0,
        head=Linear(),
        positive=1,
    )
    plan = Plan.from_labels(labels, ("other", "positive"))
    network = Trainer(session, Path()).network("final", plan, MobileNetV1())
    fit = Fit.build(session, "final", plan, network, [Phase(CE())], 50)
    return lambda: fit.train_epoch() and None


def plain_epoch(pixels: np.ndarray, labels: np.ndarray, batch: int) -> Callable[[], None]:
    context = BuildContext(("other", "positive"), (1, 1), 1, pixels.shape[1:3])
    model = build_model(MobileNetV1(), Linear(dropout=0.2), context).to(memory_format=torch.channels_last).train()
    optimizer = build_optimizer(model, OptimizerSettings())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=10_000, cycle_momentum=False)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    targets = torch.from_numpy(labels)

    def epoch() -> None:
        for rows in torch.randperm(len(images)).split(batch):
            loss = functional.cross_entropy(model(images[rows].float() / 255), targets[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()

    return epoch
