"""Figures of single classes."""

from __future__ import annotations

import numpy as np

from imbalkit.functional import metrics as formulas
from imbalkit.kinds import Metric, Predictions


def confusion_of(predictions: Predictions) -> np.ndarray:
    """Confusion matrix, int64 [C, C], labels down and decisions across."""
    return formulas.confusion_matrix(predictions.labels, predictions.decisions, len(predictions.classes))


def by_class(predictions: Predictions, values: np.ndarray) -> dict[str, float]:
    """One figure a class, [C], by class name."""
    return dict(zip(predictions.classes, (float(value) for value in values), strict=True))


class Recall(Metric):
    """Share of each class's rows that are found."""

    name = "recall"

    def compute(self, predictions: Predictions) -> dict[str, float]:
        """By class name; NaN for a class without rows."""
        return by_class(predictions, formulas.recalls(confusion_of(predictions)))


class Precision(Metric):
    """Share of the rows called a class that are of it."""

    name = "precision"

    def compute(self, predictions: Predictions) -> dict[str, float]:
        """By class name; NaN for a class that no row is called."""
        return by_class(predictions, formulas.precisions(confusion_of(predictions)))


class MinorityRecall(Metric):
    """Recall of the class with the fewest training rows (labels, if unknown) of those present; the mean of several such."""

    name = "minority_recall"

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return formulas.minority_recall(confusion_of(predictions), predictions.train_counts)


class WorstClassRecall(Metric):
    """Smallest recall of the classes present."""

    name = "worst_class_recall"

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return formulas.worst_recall(confusion_of(predictions))


class MissRate(Metric):
    """Share of the positive class's rows that are not called positive: 1 - its recall."""

    name = "miss_rate"
    higher_is_better = False

    def compute(self, predictions: Predictions) -> float:
        """NaN without a positive class, or without rows of it."""
        if predictions.positive is None:
            return float("nan")
        return formulas.miss_rate(confusion_of(predictions), predictions.positive)


class FalseAlarmRate(Metric):
    """Share of the other rows that are called positive: with two classes, 1 - recall of the negative class."""

    name = "false_alarm_rate"
    higher_is_better = False

    def compute(self, predictions: Predictions) -> float:
        """NaN without a positive class, or without rows of another."""
        if predictions.positive is None:
            return float("nan")
        return formulas.false_alarm_rate(confusion_of(predictions), predictions.positive)
