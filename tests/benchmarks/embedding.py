"""Time of `imbalkit embed` against the scoring pass of the same network on the same pictures.

python -m tests.benchmarks embedding [--rows 1280] [--size 128] [--repeats 5]

Both read uint8 pictures from memory; `embed` writes its parts and its Parquet file besides, and has no head to compute.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from imbalkit.builtin.scores import LossScore
from imbalkit.engine.embedding import Embedding, of_recipe
from imbalkit.plan import Plan
from imbalkit.recipe.prepare import prepare
from imbalkit.studies.embed import embed
from imbalkit.training.classifier import build_model
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer


def main(arguments: list[str]) -> None:
    """Alternate the two and print each one's rows a second and the ratio pair by pair."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks embedding")
    parser.add_argument("--rows", type=int, default=1280)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--weights", required=True, help="of tf_efficientnet_lite0")
    options = parser.parse_args(arguments)
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pixels = random.integers(0, 256, (options.rows, options.size, options.size, 3), dtype=np.uint8)
        np.savez(folder / "data.npz", x=pixels, y=np.where(random.random(options.rows) < 0.1, "rare", "common"))
        embedding = of_recipe(
            prepare(
                {
                    "data": {"name": "arrays", "file": str(folder / "data.npz")},
                    "backbone": {"name": "timm", "model": "tf_efficientnet_lite0", "weights": options.weights},
                    "training": {"batch_size": 64, "accelerator": "cpu"},
                }
            )
        )
        ratios = []
        for number in range(options.repeats + 1):
            scored, embedded = _scoring(embedding), _embedding(embedding, folder / f"{number}.parquet")
            if number:  # the first one warms up
                ratios.append(embedded / scored)
                rates = [options.rows / seconds for seconds in (scored, embedded)]
                sys.stdout.write(
                    f"scoring {rates[0]:.0f} rows/s, embed {rates[1]:.0f} rows/s, ratio {ratios[-1]:.3f}\n"
                )
        sys.stdout.write(f"median ratio of the times {statistics.median(ratios):.3f}\n")


def _scoring(embedding: Embedding) -> float:
    from lightning_fabric import Fabric

    prepared, recipe = embedding.prepared, embedding.prepared.recipe
    session = TrainingSession(
        Fabric(accelerator="cpu", devices=1), embedding.images, recipe.training, recipe.seed, recipe.head
    )
    plan = Plan.from_labels(prepared.table.labels, prepared.classes)
    context = session.context(plan, "round")
    model = build_model(recipe.backbone, recipe.head, context)
    trainer, score = Trainer(session, Path(tempfile.gettempdir())), LossScore().build(context)
    started = time.perf_counter()
    trainer.predict(model, plan, score)
    return time.perf_counter() - started


def _embedding(embedding: Embedding, out: Path) -> float:
    started = time.perf_counter()
    embed(embedding, out)
    return time.perf_counter() - started


if __name__ == "__main__":
    main(sys.argv[1:])
