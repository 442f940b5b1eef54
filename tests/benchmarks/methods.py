"""An epoch with a method, in times of an epoch without: same network, images in memory, batches, optimiser and schedule.

python -m tests.benchmarks methods [--rows 640] [--repeats 5] [--only sam auc_margin] [--device cuda]

Another method is a line of METHODS.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from imbalkit_melanoma.mobilenet import MobileNetV1
from lightning_fabric import Fabric

from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE, AUCMargin, LogitAdjusted, PairwiseAUC, PartialAUC, TopK
from imbalkit.builtin.mixers import Mixup
from imbalkit.builtin.orders import Balanced, Natural, Progressive, RepeatFactor
from imbalkit.data.image_store import ArrayStore
from imbalkit.engine.allocator import freed_memory_kept
from imbalkit.kinds import Loss, Mixer, Order
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import SAMSettings, TrainingSettings
from imbalkit.training.fit import Fit
from imbalkit.training.phase import Phase
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer
from tests.benchmarks._timing import alternate, ratios, spread

EPOCHS = 50  # of the schedule


def fit(
    options: argparse.Namespace,
    loss: Loss | None = None,
    order: Order | None = None,
    mixer: Mixer | None = None,
    **settings: object,
) -> Fit:
    """A training about to begin, of random pictures with 8 % positives; every epoch of as many rows."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (options.rows, options.size, options.size, 3), dtype=np.uint8)
    labels = (random.random(options.rows) < 0.08).astype(np.int64)
    session = TrainingSession(
        Fabric(accelerator=options.device, devices=1),
        ArrayStore(pixels),
        TrainingSettings.model_validate({"epochs": EPOCHS, "batch_size": options.batch, **settings}),
        seed=0,
        head=Linear(),
        positive=1,
    )
    plan = Plan.from_labels(labels, ("other", "positive"))
    network = Trainer(session, Path()).network("final", plan, MobileNetV1())
    return Fit.build(session, "final", plan, network, [Phase(loss or CE(), order)], EPOCHS, mixer=mixer)


METHODS: dict[str, Callable[[argparse.Namespace], Fit]] = {
    "plain": fit,
    "plain again": fit,  # the control: what a ratio of 1 looks like on this machine
    "natural": lambda options: fit(options, order=Natural()),
    "balanced": lambda options: fit(options, order=Balanced()),
    "progressive": lambda options: fit(options, order=Progressive()),
    "repeat_factor": lambda options: fit(options, order=RepeatFactor(threshold=0.01)),
    "mixup": lambda options: fit(options, mixer=Mixup()),
    "logit_adjusted": lambda options: fit(options, LogitAdjusted()),
    "sam": lambda options: fit(options, sam=SAMSettings()),
    "auc_margin": lambda options: fit(options, AUCMargin()),
    "pairwise_auc": lambda options: fit(options, PairwiseAUC()),
    "partial_auc": lambda options: fit(options, PartialAUC(side="high_tpr")),
    "top_k": lambda options: fit(options, TopK()),
    "micro_batches: 2": lambda options: fit(options, micro_batches=2),
    "auc_margin, micro_batches: 2": lambda options: fit(options, AUCMargin(), micro_batches=2),
}


def main(arguments: list[str]) -> None:
    """Alternate all of them, and print what each takes beside the plain epoch of its round."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks methods")
    parser.add_argument("--rows", type=int, default=640)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="*", choices=[name for name in METHODS if name != "plain"])
    options = parser.parse_args(arguments)
    names = ["plain", *(options.only or [name for name in METHODS if name != "plain"])]
    epochs = {name: _epoch(METHODS[name](options)) for name in names}
    with freed_memory_kept():  # as a run does
        for epoch in epochs.values():
            epoch()  # warm-up
        taken = alternate(epochs, options.repeats)
    sys.stdout.write(
        f"{options.rows} rows, {options.size} px, batch {options.batch}, {options.device}, {torch.get_num_threads()} threads\n"
        f"plain: {spread([plain.clock for plain in taken['plain']])} s\n"
    )
    for name in names[1:]:
        sys.stdout.write(f"{name}: {ratios(taken[name], taken['plain'])}\n")


def _epoch(run: Fit) -> Callable[[], object]:
    def epoch() -> object:
        values = run.train_epoch()
        return values["loss"]  # on the host, so that the device is done

    return epoch
