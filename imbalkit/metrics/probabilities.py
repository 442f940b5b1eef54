"""How good the probabilities are, whatever is decided from them."""

from __future__ import annotations

from imbalkit.functional import metrics as formulas
from imbalkit.kinds import Metric, Predictions


class LogLoss(Metric):
    """Mean of -ln p(label)."""

    name = "log_loss"
    higher_is_better = False

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return formulas.log_loss(predictions.labels, predictions.probabilities)


class Brier(Metric):
    """Mean squared error of the probabilities (Brier 1950): 0..1 for two classes, 0..2 for more."""

    name = "brier"
    higher_is_better = False

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return formulas.brier(predictions.labels, predictions.probabilities)
