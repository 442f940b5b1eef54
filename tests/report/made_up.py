"""Finished runs of any size, made from labels and probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.decision.decision import Decision
from tests.finished_runs import write_finished_run


def run_of(
    folder: Path,
    labels: np.ndarray,
    logits: np.ndarray,
    classes: tuple[str, ...] = ("other", "melanoma"),
    positive: int | None = 1,
    threshold: float | None = 0.3,
    groups: np.ndarray | None = None,
    validation: int = 60,
    card: dict | None = None,
    recipe: dict | None = None,
    **metrics: Any,
) -> Path:
    """A run folder whose test rows are these; its validation rows are the first of them again."""
    return write_finished_run(
        folder,
        labels,
        logits,
        classes,
        Decision(threshold, rule="youden", positive=positive, rows=(1,) * len(classes)),
        columns=None if groups is None else {"group": [None if group is None else str(group) for group in groups]},
        validation=validation,
        recipe={"evaluation": {"resamples": 100}, "card": card or {}, **(recipe or {})},
        name="made-up",
        **metrics,
    )


def scored(n: int, positives: int, seed: int = 0, distinct: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels int64 [n] and logits float64 [n, 2] of a fair model; with `distinct`, scores of so many values, so with ties."""
    random = np.random.default_rng(seed)
    labels = np.zeros(n, dtype=np.int64)
    labels[random.permutation(n)[:positives]] = 1
    score = random.normal(1.6 * labels - 1.5, 1.0)
    if distinct is not None:
        score = np.round(score * distinct / 8) * 8 / distinct
    return labels, np.stack([np.zeros(n), score], axis=1)
