"""Base classes of metrics: each has one formula for the rows as they are and for all resamples at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

from imbalkit.functional import metrics as formulas
from imbalkit.functional import ranking
from imbalkit.functional.bootstrap import mean_of, units_of_classes
from imbalkit.functional.proportions import degenerate_interval, wilson
from imbalkit.kinds.metrics import Interval, Limits, Metric, Predictions

HitsAndRows = tuple[np.ndarray, np.ndarray]
T = TypeVar("T")


class ConfusionMetric(Metric):
    """A metric of the confusion matrix."""

    bounds = (0.0, 1.0)

    def formula(self, confusion: np.ndarray, predictions: Predictions) -> np.ndarray:
        """Confusion matrices [..., C, C], labels down, to values [...]."""
        raise NotImplementedError  # each subclass writes its own

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows."""
        return float(self.formula(confusion_of(predictions), predictions))

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> np.ndarray:
        return self.formula(confusion_of(predictions, weights), predictions)

    def units(self, predictions: Predictions, groups: np.ndarray) -> float:
        return _units(predictions.labels, groups)


class ShareMetric(Metric):
    """A share of rows: of those counted, the hits."""

    bounds = (0.0, 1.0)

    def shares(self, predictions: Predictions) -> HitsAndRows | dict[str, HitsAndRows]:
        """Hits and the rows counted, both bool [n], or such a pair by class name; no row is counted where it is not defined."""
        raise NotImplementedError  # each subclass writes its own

    def compute(self, predictions: Predictions) -> float | dict[str, float]:
        """NaN where no row is counted."""
        return each(self.shares(predictions), share_of)

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
        return each(self.shares(predictions), lambda pair: formulas.ratio(*drawn(pair, weights)))

    def closed_form(self, predictions: Predictions, level: float) -> Interval | dict[str, Interval]:
        """Wilson's interval."""
        return each(self.shares(predictions), lambda pair: wilson_interval(pair, level))

    def degenerate_interval(
        self, predictions: Predictions, groups: np.ndarray, level: float
    ) -> Limits | dict[str, Limits]:
        """From the groups of the rows counted."""
        return each(self.shares(predictions), lambda pair: degenerate_share(pair, groups, level))


def share_of(pair: HitsAndRows) -> float:
    """Hits / rows counted; NaN without rows."""
    hits, counted = pair
    return float(formulas.ratio(hits.sum(), counted.sum()))


def drawn(pair: HitsAndRows, weights: np.ndarray) -> HitsAndRows:
    """Hits and rows counted in resamples, float64 [R] each, with weights [R, n]."""
    hits, counted = ((weights @ rows.astype(np.float32)).astype(np.float64) for rows in pair)
    return hits, counted


def wilson_interval(pair: HitsAndRows, level: float) -> Interval:
    """Wilson's interval of a share."""
    hits, counted = pair
    low, high = wilson(hits.sum(), counted.sum(), level)
    return Interval(float(low), float(high), "Wilson")


def degenerate_share(pair: HitsAndRows, groups: np.ndarray, level: float) -> Limits:
    """The limits of a share that is 0 or 1, from the groups (codes, int [n]) of the rows counted; NaN for another."""
    return degenerate_interval(share_of(pair), len(np.unique(groups[pair[1]])), level)


class RankingMetric(Metric):
    """A metric of how scores rank: of the positive class, or without one the mean of each class present against the rest."""

    bounds = (0.0, 1.0)

    def formula(self, positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        """As the functions of imbalkit.functional.ranking."""
        raise NotImplementedError  # each subclass writes its own

    def compute(self, predictions: Predictions) -> float:
        """NaN where a class that it needs is absent, or a probability is NaN."""
        return float(self._value(predictions, None))

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> np.ndarray:
        return self._value(predictions, weights)

    def units(self, predictions: Predictions, groups: np.ndarray) -> float:
        positive = predictions.positive
        return _units(predictions.labels if positive is None else predictions.labels == positive, groups)

    def _value(self, predictions: Predictions, weights: np.ndarray | None) -> np.ndarray:
        return ranking.one_vs_rest(
            self.formula, predictions.labels, predictions.probabilities, predictions.positive, weights
        )


class MeanMetric(Metric):
    """A mean over rows."""

    def rows(self, predictions: Predictions) -> np.ndarray:
        """What is averaged, float64 [n]."""
        raise NotImplementedError  # each subclass writes its own

    def compute(self, predictions: Predictions) -> float:
        """NaN without rows, or where a probability is NaN."""
        return float(self.rows(predictions).mean()) if len(predictions.labels) else float("nan")

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> np.ndarray:
        rows = self.rows(predictions)
        return mean_of(rows, weights) if np.isfinite(rows).all() else np.full(len(weights), np.nan)


def _units(labels: np.ndarray, groups: np.ndarray) -> float:
    """`units_of_classes` of the groups of each label."""
    return units_of_classes([len(np.unique(groups[labels == label])) for label in np.unique(labels)])


def each(pairs: HitsAndRows | Mapping[str, HitsAndRows], work: Callable[[HitsAndRows], T]) -> T | dict[str, T]:
    """`work` on a pair, or on every pair of a mapping."""
    return {name: work(pair) for name, pair in pairs.items()} if isinstance(pairs, Mapping) else work(pairs)


def confusion_of(predictions: Predictions, weights: np.ndarray | None = None) -> np.ndarray:
    """Confusion matrix, int64 [C, C], labels down and decisions across; of resamples with weights [R, n], [R, C, C]."""
    return formulas.confusion_matrix(predictions.labels, predictions.decisions, len(predictions.classes), weights)


def no_rows(predictions: Predictions) -> HitsAndRows:
    """The share of a metric that is not defined."""
    none = np.zeros(len(predictions.labels), dtype=np.bool_)
    return none, none
