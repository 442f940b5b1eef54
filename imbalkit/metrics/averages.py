"""Figures of the confusion matrix as a whole."""

from __future__ import annotations

import numpy as np

from imbalkit.functional import metrics as formulas
from imbalkit.kinds import Predictions
from imbalkit.metrics.common import ConfusionMetric, Pair, ShareMetric


class Accuracy(ShareMetric):
    """Share of rows decided rightly. The largest class dominates it."""

    name = "accuracy"

    def shares(self, predictions: Predictions) -> Pair:
        """All rows count."""
        right = predictions.labels == predictions.decisions
        return right, np.ones_like(right)


class BalancedAccuracy(ConfusionMetric):
    """Mean recall of the classes present (Brodersen et al. 2010)."""

    name = "balanced_accuracy"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.balanced_accuracy(confusion)


class GMean(ConfusionMetric):
    """Geometric mean of the recalls of the classes present (Kubat and Matwin 1997); 0 if one is never found."""

    name = "g_mean"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.g_mean(confusion)


class MacroF1(ConfusionMetric):
    """Mean F1 of the classes present."""

    name = "macro_f1"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.macro_f1(confusion)


class Mcc(ConfusionMetric):
    """Matthews correlation, -1..1, for any number of classes (Gorodkin 2004); NaN if all labels, or all decisions, are alike."""

    name = "mcc"
    bounds = (-1.0, 1.0)

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.mcc(confusion)
