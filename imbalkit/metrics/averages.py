"""Figures of the confusion matrix as a whole."""

from __future__ import annotations

from imbalkit.functional import metrics as formulas
from imbalkit.kinds import Metric, Predictions
from imbalkit.metrics.per_class import confusion_of


class Accuracy(Metric):
    """Share of rows decided rightly. The largest class dominates it."""

    name = "accuracy"

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return formulas.accuracy(confusion_of(predictions))


class BalancedAccuracy(Metric):
    """Mean recall of the classes present (Brodersen et al. 2010)."""

    name = "balanced_accuracy"

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return formulas.balanced_accuracy(confusion_of(predictions))


class GMean(Metric):
    """Geometric mean of the recalls of the classes present (Kubat and Matwin 1997)."""

    name = "g_mean"

    def compute(self, predictions: Predictions) -> float:
        """0 if a class present is never found, NaN without rows."""
        return formulas.g_mean(confusion_of(predictions))


class MacroF1(Metric):
    """Mean F1 of the classes present."""

    name = "macro_f1"

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return formulas.macro_f1(confusion_of(predictions))


class Mcc(Metric):
    """Matthews correlation, -1..1, for any number of classes (Gorodkin 2004)."""

    name = "mcc"

    def compute(self, predictions: Predictions) -> float:
        """NaN if all labels, or all decisions, are alike."""
        return formulas.mcc(confusion_of(predictions))
