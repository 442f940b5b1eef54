"""Areas under curves: figures that need no threshold."""

from __future__ import annotations

from imbalkit.functional import metrics as formulas
from imbalkit.kinds import Metric, Predictions


class RocAuc(Metric):
    """Area under the ROC curve of the positive class; without one, mean of each class present against the rest."""

    name = "roc_auc"

    def compute(self, predictions: Predictions) -> float:
        """NaN where only one class is present."""
        return formulas.one_vs_rest(
            formulas.roc_auc, predictions.labels, predictions.probabilities, predictions.positive
        )


class PrAuc(Metric):
    """Average precision of the positive class; without one, mean of each class present against the rest."""

    name = "pr_auc"

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows of the positive class."""
        return formulas.one_vs_rest(
            formulas.average_precision, predictions.labels, predictions.probabilities, predictions.positive
        )
