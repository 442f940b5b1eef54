"""How far losses kept from the last training epoch (`scores_from: last_epoch`) rank rows as a pass in eval mode does.

python -m tests.benchmarks kept_losses [--data ../shared/data/ham10000] [--rows 1500] [--size 64] [--epochs 1 2 4]

The rounds of loss_rank on photographs of HAM10000 (examples/ham10000.yaml, cross entropy): after each number of epochs both
kinds of losses of the same model, their Spearman rank correlation over the rows of the frequent class, and how many of the
rows that would be dropped are the same. For comparison: the same of the passes of two models that differ in their seed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric
from scipy.stats import spearmanr

from imbalkit.base.progress import Progress
from imbalkit.builtin.losses import CE
from imbalkit.builtin.scores import LossScore
from imbalkit.engine.images import load_images
from imbalkit.kinds import highest
from imbalkit.recipe.image_rule import image_rule
from imbalkit.recipe.prepare import prepare
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

RECIPE = Path(__file__).parents[2] / "examples" / "ham10000.yaml"
SHARES = (0.05, 0.23)  # of the frequent class's rows; 0.23 is the first round of Gilal et al. 2023 (6,000 of 26,033)


def main(arguments: list[str]) -> None:
    """Print a line for each number of epochs, with and without augmentation."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks kept_losses")
    parser.add_argument("--data", default="../shared/data/ham10000")
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    os.environ["HAM10000"] = options.data
    prepared = prepare(RECIPE, [f"images.size={options.size}"])
    recipe, fabric = prepared.recipe, Fabric(accelerator="cpu", devices=1)
    rule = image_rule(recipe, prepared.table)
    images, bad = load_images(prepared.table, prepared.split.train, rule, recipe.images, fabric.device, Progress())
    plan = prepared.source_plan([image.index for image in bad])
    plan = plan.select(np.random.default_rng(0).choice(len(plan), min(options.rows, len(plan)), replace=False))
    frequent = plan.rows_of(plan.majority)
    sys.stdout.write(
        f"{len(plan)} rows, {len(frequent)} of the frequent class, {options.size} px, {options.seeds} seeds\n"
    )
    for augment in (recipe.augment, []):
        for epochs in options.epochs:
            kept, passed = [], []
            for seed in range(options.seeds):
                with tempfile.TemporaryDirectory() as folder:
                    session = TrainingSession(fabric, images, recipe.training, seed, recipe.head, augment, positive=1)
                    trainer, score = Trainer(session, Path(folder)), LossScore().build(session.context(plan, "round"))
                    fit = trainer.fit("round", plan, recipe.backbone, CE(), epochs, score=score)
                    kept.append(fit.scores[frequent])
                    passed.append(trainer.predict(fit.model, plan, score)[frequent])
            name = f"{epochs} epochs, {'turned at random' if augment else 'no augmentation'}"
            sys.stdout.write(f"{name}\n  kept against pass  {agreement(list(zip(kept, passed, strict=True)))}\n")
            sys.stdout.write(f"  pass against pass of another seed  {agreement(list(combinations(passed, 2)))}\n")
            sys.stdout.flush()


def agreement(pairs: list[tuple[np.ndarray, np.ndarray]]) -> str:
    """Rank correlation of the losses, and the share of dropped rows that both drop, for each share of rows."""
    texts = [f"rank correlation {spread([spearmanr(a, b).statistic for a, b in pairs])}"]
    keys = np.arange(len(pairs[0][0]), dtype=np.uint64)
    for share in SHARES:
        count = round(share * len(keys))
        same = [len(np.intersect1d(highest(a, keys, count), highest(b, keys, count))) / count for a, b in pairs]
        texts.append(f"of {count} dropped the same {spread(same)}")
    return "; ".join(texts)


def spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.3f} (min {min(values):.3f}, max {max(values):.3f})"
