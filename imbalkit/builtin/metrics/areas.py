"""Areas under curves, and one rate at a fixed other one: metrics that need no threshold."""

from __future__ import annotations

import numpy as np

from imbalkit.functional import ranking
from imbalkit.functional.delong import delong_interval
from imbalkit.kinds import Interval, Predictions, RankingMetric, param


class RocAuc(RankingMetric):
    """Area under the ROC curve of the positive class; without one, mean of each class present against the rest."""

    name = "roc_auc"
    is_roc_auc = True

    def formula(self, positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return ranking.roc_auc(positives, scores, weights)

    def closed_form(self, predictions: Predictions, level: float) -> Interval | None:
        """DeLong's interval of one class against the rest; None for a mean over classes."""
        if predictions.positive is None:
            return None
        positives = predictions.labels == predictions.positive
        limits = delong_interval(positives, predictions.probabilities[:, predictions.positive], level)
        return Interval(*limits, "DeLong")


class PrAuc(RankingMetric):
    """Average precision of the positive class; without one, mean of each class present against the rest."""

    name = "pr_auc"

    def formula(self, positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return ranking.average_precision(positives, scores, weights)


class PartialAuc(RankingMetric):
    """Area between the ROC curve and a least true positive rate, not normalised: at 0.8 the metric of ISIC 2024."""

    name = "partial_auc"
    min_tpr: float = param(0.8, help="least true positive rate; the value is in 0..1 - min_tpr", ge=0, lt=1)

    @property
    def bounds(self) -> tuple[float, float]:  # type: ignore[override]  # a constant of the class elsewhere
        """0 and 1 - min_tpr."""
        return 0.0, 1 - self.min_tpr

    def formula(self, positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return ranking.partial_auc(positives, scores, self.min_tpr, weights)


class SensitivityAtSpecificity(RankingMetric):
    """Largest share of positive rows that can be found with this share of the others left alone, chosen on these rows."""

    name = "sensitivity_at_specificity"
    specificity: float = param(0.9, help="least share of the other rows that is not predicted positive", ge=0, le=1)

    def formula(self, positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return ranking.sensitivity_at_specificity(positives, scores, self.specificity, weights)


class SpecificityAtSensitivity(RankingMetric):
    """Largest share of other rows that can be left alone with this share of the positive ones found, chosen on these rows."""

    name = "specificity_at_sensitivity"
    sensitivity: float = param(0.9, help="least share of the positive rows that is found", ge=0, le=1)

    def formula(self, positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return ranking.specificity_at_sensitivity(positives, scores, self.sensitivity, weights)
