"""How good the probabilities are, whatever is decided from them."""

from __future__ import annotations

import numpy as np

from imbalkit.functional import metrics as formulas
from imbalkit.kinds import MeanMetric, Metric, Predictions, param


class LogLoss(MeanMetric):
    """Mean of -ln p(label)."""

    name = "log_loss"
    higher_is_better = False

    def rows(self, predictions: Predictions) -> np.ndarray:
        return formulas.log_losses(predictions.labels, predictions.probabilities)


class Brier(MeanMetric):
    """Mean squared error of the probabilities (Brier 1950): 0..1 for two classes, 0..2 for more."""

    name = "brier"
    higher_is_better = False
    bounds = (0.0, 2.0)

    def rows(self, predictions: Predictions) -> np.ndarray:
        return formulas.squared_errors(predictions.labels, predictions.probabilities)


class Ece(Metric):
    """Expected calibration error of the positive class's probability; without one, of the most probable class's.

    Chance alone makes it larger than 0, the more so the fewer rows: resamples add to that, and it has no interval.
    """

    name = "ece"
    higher_is_better = False
    has_interval = False
    bins: int = param(15, help="bins of equal width that probabilities are compared in", ge=1)

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows, or where a probability is NaN."""
        return float(formulas.calibration_error(*_events(predictions), self.bins))

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> np.ndarray:
        return formulas.calibration_error(*_events(predictions), self.bins, weights)


def _events(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Whether the event that a probability is of has happened, bool [n], and that probability [n]."""
    labels, probabilities = predictions.labels, predictions.probabilities
    if predictions.positive is not None:
        return labels == predictions.positive, probabilities[:, predictions.positive]
    return labels == probabilities.argmax(axis=1), probabilities.max(axis=1, initial=0.0)
