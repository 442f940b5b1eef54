"""Time of the scoring pass of loss_rank against plain inference of the same model on tensors that lie in memory.

python -m tests.benchmarks scoring [--rows 1280] [--size 128] [--batch 64] [--repeats 7] [--accelerator cpu]

The pass reads uint8 rows of a plan, makes them float, and puts a loss for each row where it belongs. The plain side has its
float images ready in the network's memory format, in order and on the device, and does nothing but run the network in
inference mode and take the cross entropy.
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
from imbalkit.builtin.scores import LossScore
from imbalkit.data.image_store import ArrayStore
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.classifier import build_model
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer


def main(arguments: list[str]) -> None:
    """Alternate the two and print each one's times and the ratio pair by pair."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks scoring")
    parser.add_argument("--rows", type=int, default=1280)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--accelerator", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args(arguments)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (options.rows, options.size, options.size, 3), dtype=np.uint8)
    plan = Plan.from_labels((random.random(options.rows) < 0.08).astype(np.int64), ("other", "positive"))
    session = TrainingSession(
        fabric=Fabric(accelerator=options.accelerator, devices=1),
        images=ArrayStore(pixels),
        settings=TrainingSettings(batch_size=options.batch),
        seed=0,
        head=Linear(dropout=0.0),
        positive=1,
    )
    trainer = Trainer(session, Path(tempfile.gettempdir()))  # nothing is written
    context = session.context(plan, "round")
    model = (
        build_model(MobileNetV1(), Linear(dropout=0.0), context)
        .to(memory_format=torch.channels_last)
        .to(session.fabric.device)
    )
    score = LossScore().build(context)

    def scoring() -> np.ndarray:
        return trainer.predict(model, plan, score)

    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).to(session.fabric.device)
    labels = torch.from_numpy(plan.label.astype(np.int64)).to(session.fabric.device)

    @torch.inference_mode()
    def plain() -> np.ndarray:
        model.eval()
        parts = zip(images.split(options.batch), labels.split(options.batch), strict=True)
        losses = [functional.cross_entropy(model(part), of, reduction="none") for part, of in parts]
        return torch.cat(losses).cpu().numpy()

    np.testing.assert_allclose(scoring(), plain(), rtol=1e-4, atol=1e-5)
    pairs = [(timed(scoring), timed(plain)) for _ in range(options.repeats)]
    sys.stdout.write(
        f"{options.rows} rows, {options.size} px, batch {options.batch}, {session.fabric.device}, "
        f"{torch.get_num_threads()} threads\n"
    )
    for number, name in enumerate(("by the clock", "of the processor")):
        ours, theirs = ([pair[side][number] for pair in pairs] for side in (0, 1))
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        sys.stdout.write(
            f"{name:<17} pass {spread(ours)} s; plain inference {spread(theirs)} s; ratio {spread(ratios)}\n"
        )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor (all threads; not of a GPU)."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - used


def spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.3f} (min {min(values):.3f}, max {max(values):.3f})"
