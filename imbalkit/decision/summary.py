"""What metrics.json has on a decision: how well calibrated each stage is, and what abstaining leaves undecided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from imbalkit.decision.decision import Decision
from imbalkit.functional.calibration import reliability_bins
from imbalkit.functional.metrics import brier, calibration_error, log_loss

ECE_BINS = 15


def calibration_facts(
    decision: Decision, logits: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """Brier score, log loss, expected calibration error and reliability of each stage of the probabilities.

    Before any move to a stated prevalence, to which no rows at hand can be compared. With a positive class, error and bins are of
    its probability; without one the error is of the most probable class's, and there are bins for every class.

    Args:
        decision: what was fitted on validation
        logits: float [n, C]
        labels: int [n]
        classes: class names

    Returns:
        a stage each; empty without rows
    """
    if not len(labels):
        return []
    shown = range(len(classes)) if decision.positive is None else [decision.positive]
    facts = []
    for stage, probabilities in decision.stages(logits):
        if decision.positive is None:
            hits, confidence = labels == probabilities.argmax(axis=1), probabilities.max(axis=1)
        else:
            hits, confidence = labels == decision.positive, probabilities[:, decision.positive]
        facts.append(
            {
                "stage": stage,
                "brier": brier(labels, probabilities),
                "log_loss": log_loss(labels, probabilities),
                "ece": float(calibration_error(hits, confidence, ECE_BINS)),
                "reliability": [
                    {"class": classes[label], "bins": reliability_bins(labels == label, probabilities[:, label])}
                    for label in shown
                ],
            }
        )
    return facts


def abstention_facts(
    decision: Decision, logits: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> dict[str, Any] | None:
    """Share of the rows that are decided, and the rows of each class that are not; None where every row is, or without rows."""
    if decision.abstention is None or not len(labels):
        return None
    undecided = decision.abstains(logits)
    rejected = np.bincount(labels[undecided], minlength=len(classes))
    return {
        "coverage": float(1 - undecided.mean()),
        "rejected": {name: int(count) for name, count in zip(classes, rejected, strict=True)},
    }
