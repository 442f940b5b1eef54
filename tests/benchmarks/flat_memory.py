"""Resident memory of a training after each epoch, and its slope once it has settled.

python -m tests.benchmarks flat_memory [--epochs 24] [--rows 512] [--size 64]

Oversampling with blur, validation after each epoch, checkpoints: all that a run does between epochs. Needs Linux.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from imbalkit_melanoma.mobilenet import MobileNetV1
from lightning_fabric import Fabric
from scipy.stats import theilslopes

from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.builtin.ops.radial_blur import RadialBlur
from imbalkit.data.image_store import ArrayStore
from imbalkit.engine.allocator import freed_memory_kept
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

SETTLED = 4  # epochs until buffers have their size


def main(arguments: list[str]) -> None:
    """Print RssAnon by epoch and how much it grows an epoch: the median of the slopes of all pairs."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks flat_memory")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--size", type=int, default=64)
    options = parser.parse_args(arguments)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (options.rows, options.size, options.size, 3), dtype=np.uint8)
    source = Plan.from_labels((random.random(options.rows) < 0.08).astype(np.int64), ("other", "positive"))
    plan = source.append(np.arange(options.rows), [(RadialBlur(),)])
    seen: list[float] = []
    with freed_memory_kept(), tempfile.TemporaryDirectory() as folder:
        session = TrainingSession(
            fabric=Fabric(accelerator="cpu", devices=1),
            images=ArrayStore(pixels),
            settings=TrainingSettings(epochs=options.epochs, batch_size=64, monitor="accuracy"),
            seed=0,
            head=Linear(),
            positive=1,
        )
        trainer = Trainer(session, Path(folder), epoch_finished=lambda stage, epoch, values: seen.append(anonymous()))

        def validate(model: Any) -> dict[str, float]:
            return {"accuracy": float((trainer.predict(model, source).argmax(1) == source.label).mean())}

        trainer.fit("final", plan, MobileNetV1(), CE(), options.epochs, validate)
    settled = np.array(seen[SETTLED:])
    slope = theilslopes(settled)[0]  # a peak that passes does not count
    sys.stdout.write(
        f"{len(plan)} rows, {options.size} px, {options.epochs} epochs; MiB after each: "
        + " ".join(f"{value:.0f}" for value in seen)
        + f"\nfrom epoch {SETTLED + 1} on: {slope:+.2f} MiB an epoch, from {settled.min():.0f} to {settled.max():.0f}\n"
    )


def anonymous() -> float:
    """This process's anonymous resident memory in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 2**10
    raise OSError("there is no RssAnon in /proc/self/status")
