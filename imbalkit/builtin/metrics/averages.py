"""Metrics of the confusion matrix as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from imbalkit.functional import metrics as formulas
from imbalkit.functional.proportions import geometric_mean_of_shares, mean_of_shares
from imbalkit.kinds import ConfusionMetric, HitsAndRows, Interval, Limits, Predictions, ShareMetric, confusion_of


class Accuracy(ShareMetric):
    """Share of rows decided rightly. The largest class dominates it."""

    name = "accuracy"

    def shares(self, predictions: Predictions) -> HitsAndRows:
        """All rows count."""
        right = predictions.labels == predictions.decisions
        return right, np.ones_like(right)


class BalancedAccuracy(ConfusionMetric):
    """Mean recall of the classes present (Brodersen et al. 2010)."""

    name = "balanced_accuracy"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.balanced_accuracy(confusion)

    def closed_form(self, predictions: Predictions, level: float) -> Interval:
        """From the mid-P intervals of the recalls."""
        return _of_recalls(mean_of_shares, predictions, level)


class GMean(ConfusionMetric):
    """Geometric mean of the recalls of the classes present (Kubat and Matwin 1997); 0 if one is never found."""

    name = "g_mean"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.g_mean(confusion)

    def closed_form(self, predictions: Predictions, level: float) -> Interval:
        """From the mid-P intervals of the recalls."""
        return _of_recalls(geometric_mean_of_shares, predictions, level)


def _of_recalls(work: Callable[..., Limits], predictions: Predictions, level: float) -> Interval:
    """The interval of a mean over the recalls of the classes present."""
    confusion = confusion_of(predictions)
    here = formulas.present(confusion)
    if not here.any():
        return Interval(math.nan, math.nan, "MOVER")
    return Interval(*work(formulas.found(confusion)[here], confusion.sum(axis=1)[here], level), "MOVER")


class MacroF1(ConfusionMetric):
    """Mean F1 of the classes present."""

    name = "macro_f1"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.macro_f1(confusion)


class Mcc(ConfusionMetric):
    """Matthews correlation, -1..1, for any number of classes (Gorodkin 2004); NaN if all labels, or all decisions, are equal."""

    name = "mcc"
    bounds = (-1.0, 1.0)

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.mcc(confusion)
