"""Time of a second stage on features that are computed once, against the inference pass that computes them.

python -m tests.benchmarks second_stage [--rows 6000] [--size 128] [--batch 64] [--accelerator cpu]

The network is MobileNetV1 with random weights on random pictures of seven classes, the rarest with 1 % of the rows. Each
epoch is measured on validation, a sixth as many rows more. Processor time is of all threads: with one (OMP_NUM_THREADS=1) it is
about what the clock would show on a quiet core.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from imbalkit.base.threads import spin_less

spin_less()  # as the commands do, before torch is loaded

import numpy as np
import torch
from imbalkit_melanoma.mobilenet import MobileNetV1
from lightning_fabric import Fabric

from imbalkit.builtin.heads import Linear
from imbalkit.builtin.stages import LearnableWeightScaling, LogisticRegression, Retrain, TauNormalisation
from imbalkit.data.image_store import ArrayStore
from imbalkit.engine.stages import StageRunner
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

SHARES = np.array([0.6, 0.12, 0.1, 0.08, 0.06, 0.03, 0.01])


def main(arguments: list[str]) -> None:
    """Print the seconds of the pass and of each stage."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks second_stage")
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--accelerator", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args(arguments)
    random = np.random.default_rng(0)
    rows = options.rows + options.rows // 6
    pixels = random.integers(0, 256, (rows, options.size, options.size, 3), dtype=np.uint8)
    labels = random.choice(len(SHARES), rows, p=SHARES)
    classes = [f"class {label}" for label in range(len(SHARES))]
    parts = np.split(np.arange(rows), [options.rows])
    plan, validation = (Plan.from_labels(labels[part], classes, sources=part) for part in parts)
    session = TrainingSession(
        fabric=Fabric(accelerator=options.accelerator, devices=1),
        images=ArrayStore(pixels),
        settings=TrainingSettings(batch_size=options.batch, monitor="last"),
        seed=0,
        head=Linear(),
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(session, Path(folder))
        model = trainer.network("final", plan, MobileNetV1())
        runner = StageRunner(
            trainer, plan, validation, lambda own: lambda network: {"rows": len(own.predict(network, validation))}
        )

        def timed(*stages: object) -> str:
            clock, processor = time.perf_counter(), time.process_time()
            runner.run(stages, model, "final")
            clock, processor = time.perf_counter() - clock, time.process_time() - processor
            return f"{clock:.1f} s by the clock, {processor:.1f} s of processor time"

        first = timed(TauNormalisation(tau=1.0))
        sys.stdout.write(
            f"{options.rows} rows, {options.size} px, {session.fabric.device}, {torch.get_num_threads()} threads\n"
        )
        sys.stdout.write(f"inference pass, with tau_normalisation: {first}\n")
        for stage in (TauNormalisation(), Retrain(), LearnableWeightScaling(), LogisticRegression()):
            sys.stdout.write(f"{stage.name}: {timed(stage)}\n")
