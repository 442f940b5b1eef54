"""Seconds of an epoch of the long-tailed CIFAR protocol: ResNet-32, 12,406 random 32x32 pictures, batches of 128, crop and flip.

python -m tests.benchmarks cifar [--accelerator cpu] [--epochs 3] [--precision fp32 bf16]

The sum over 200 epochs is what a method of docs/longtail.md takes under the published protocol.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from imbalkit.builtin.augmentations.kornia import Kornia
from imbalkit.builtin.backbones import ResNet32
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.data.image_store import ArrayStore
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import OptimizerSettings, TrainingSettings
from imbalkit.training.device_images import place
from imbalkit.training.fit import Fit
from imbalkit.training.phase import Phase
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

ROWS = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]  # of each class at imbalance 100
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}


def main(arguments: list[str]) -> None:
    """Print the seconds of each epoch after the first."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks cifar")
    parser.add_argument("--accelerator", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--precision", nargs="*", default=[*PRECISIONS], choices=[*PRECISIONS])
    options = parser.parse_args(arguments)
    labels = np.repeat(np.arange(len(ROWS)), ROWS)
    pixels = np.random.default_rng(0).integers(0, 256, (len(labels), 32, 32, 3), dtype=np.uint8)
    plan = Plan.from_labels(labels)
    augment = [
        Kornia(transform="RandomCrop", options={"size": [32, 32], "padding": 4}),
        Kornia(transform="RandomHorizontalFlip"),
    ]
    optimizer = OptimizerSettings(name="momentum", lr=0.1, weight_decay=2e-4)
    for precision in options.precision:
        fabric = Fabric(accelerator=options.accelerator, devices=1, precision=PRECISIONS[precision])
        settings = TrainingSettings(epochs=200, batch_size=128, optimizer=optimizer)
        images = place(ArrayStore(pixels), fabric.device, 0.5)
        session = TrainingSession(fabric, images, settings, seed=0, head=Linear(dropout=0.0), augment=augment)
        network = Trainer(session, Path()).network("final", plan, ResNet32())
        fit = Fit.build(session, "final", plan, network, [Phase(CE())], 200)
        fit.train_epoch()  # warm-up
        seconds = [fit.train_epoch()["seconds"] for _ in range(options.epochs)]
        sys.stdout.write(
            f"{precision}, {fabric.device}, {torch.get_num_threads()} threads: "
            f"{' '.join(f'{value:.2f}' for value in seconds)} s an epoch\n"
        )
        sys.stdout.flush()
