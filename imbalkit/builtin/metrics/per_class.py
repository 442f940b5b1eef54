"""Metrics of single classes."""

from __future__ import annotations

import numpy as np

from imbalkit.functional import metrics as formulas
from imbalkit.kinds import ConfusionMetric, HitsAndRows, Interval, Limits, Predictions, ShareMetric, no_rows
from imbalkit.kinds.metric_bases import degenerate_share, wilson_interval


class Recall(ShareMetric):
    """Share of each class's rows that are found."""

    name = "recall"

    def shares(self, predictions: Predictions) -> dict[str, HitsAndRows]:
        """The rows of each class count."""
        right = predictions.labels == predictions.decisions
        of_class = {name: predictions.labels == code for code, name in enumerate(predictions.classes)}
        return {name: (right & rows, rows) for name, rows in of_class.items()}


class Precision(ShareMetric):
    """Share of the rows predicted as a class that are of it."""

    name = "precision"

    def shares(self, predictions: Predictions) -> dict[str, HitsAndRows]:
        """The rows predicted as each class count."""
        right = predictions.labels == predictions.decisions
        predicted = {name: predictions.decisions == code for code, name in enumerate(predictions.classes)}
        return {name: (right & rows, rows) for name, rows in predicted.items()}


class MinorityRecall(ConfusionMetric):
    """Recall of the class with the fewest training rows (labels, if unknown) of those present; the mean of several such."""

    name = "minority_recall"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.minority_recall(confusion, predictions.train_counts)

    def closed_form(self, predictions: Predictions, level: float) -> Interval | None:
        """That of the recall, where one class is the smallest."""
        name = self._smallest(predictions)
        return None if name is None else wilson_interval(Recall().shares(predictions)[name], level)

    def degenerate_interval(
        self, predictions: Predictions, groups: np.ndarray, level: float
    ) -> Limits | dict[str, Limits]:
        name = self._smallest(predictions)
        if name is None:
            return super().degenerate_interval(predictions, groups, level)
        return degenerate_share(Recall().shares(predictions)[name], groups, level)

    def _smallest(self, predictions: Predictions) -> str | None:
        """The class whose recall it is; None where there are several."""
        rows = np.bincount(predictions.labels, minlength=len(predictions.classes))
        counts = np.where(rows > 0, rows if predictions.train_counts is None else predictions.train_counts, np.inf)
        found = np.flatnonzero(np.isfinite(counts) & (counts == counts.min()))
        return predictions.classes[found[0]] if len(found) == 1 else None


class WorstClassRecall(ConfusionMetric):
    """Smallest recall of the classes present."""

    name = "worst_class_recall"

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        return formulas.worst_recall(confusion)


class MissRate(ShareMetric):
    """Share of the positive class's rows that are not predicted positive (FNR): 1 - its recall."""

    name = "miss_rate"
    higher_is_better = False

    def shares(self, predictions: Predictions) -> HitsAndRows:
        """The rows of the positive class count; none without one."""
        if predictions.positive is None:
            return no_rows(predictions)
        rows = predictions.labels == predictions.positive
        return rows & (predictions.decisions != predictions.positive), rows


class FalseAlarmRate(ShareMetric):
    """Share of the other rows that are predicted positive (FPR): with two classes, 1 - recall of the negative class."""

    name = "false_alarm_rate"
    higher_is_better = False

    def shares(self, predictions: Predictions) -> HitsAndRows:
        """The rows of the other classes count; none without a positive class."""
        if predictions.positive is None:
            return no_rows(predictions)
        rows = predictions.labels != predictions.positive
        return rows & (predictions.decisions == predictions.positive), rows
