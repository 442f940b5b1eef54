"""Metrics of predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np

from imbalkit.base.arrays import read_only
from imbalkit.base.parameters import Part, part_of
from imbalkit.functional.proportions import degenerate_interval

Limits = tuple[float, float]  # low, high; NaN where there is none


@dataclass(frozen=True)
class Interval:
    """The limits of a metric's value and what they were made by, such as "Wilson"."""

    low: float
    high: float
    method: str | None


@dataclass(frozen=True)
class Predictions:
    """What a metric sees: the test rows' labels and probabilities, and the decisions made from them."""

    labels: np.ndarray  # int [n]
    probabilities: np.ndarray  # float [n, C]
    decisions: np.ndarray  # int [n]
    classes: tuple[str, ...]
    positive: int | None
    train_counts: tuple[int, ...] | None = None  # source training rows of each class, where they are known
    prevalences: tuple[float, ...] = ()  # shares of the positive class that the recipe asks predictive values for

    def __post_init__(self) -> None:
        for name in ("labels", "probabilities", "decisions"):  # one metric's slip is not another's input
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def take(self, rows: np.ndarray) -> Predictions:
        """Some rows, in any order and any number of times: positions int [m], or a mask bool [n]."""
        return replace(
            self, labels=self.labels[rows], probabilities=self.probabilities[rows], decisions=self.decisions[rows]
        )


class Metric(Part):
    """A metric of predictions. It returns NaN where it is not defined (an absent class), never a made-up number.

    `compute` is all that a metric must have. Intervals come from `resampled`; write it where the loop over `compute` is slow.
    """

    kind = "metric"
    higher_is_better: ClassVar[bool] = True
    same_scale: ClassVar[bool] = (
        True  # of several values; False: the worst of them means nothing, and cannot choose an epoch
    )
    bounds: ClassVar[tuple[float, float] | None] = None  # of its values, where it has both: the interval stays within
    is_roc_auc: ClassVar[bool] = (
        False  # of the positive class: the difference of two runs is tested as DeLong et al. 1988 do
    )
    has_interval: ClassVar[bool] = True  # False: resamples are further from the truth than the value, or cost too much

    def compute(self, predictions: Predictions) -> float | dict[str, float]:
        """One value, or several by name, such as one a class."""
        raise NotImplementedError  # each part of this kind writes its own

    def resampled(self, predictions: Predictions, weights: np.ndarray) -> np.ndarray | dict[str, np.ndarray]:
        """The value of R resamples, float64 [R], or several by name; as `compute` on rows that are really repeated.

        `weights` says how often each row is in each resample, float [R, n], whole numbers.
        """
        rows = np.arange(len(predictions.labels))
        values = [self.compute(predictions.take(np.repeat(rows, times))) for times in weights.astype(np.int64)]
        by_name = [value for value in values if isinstance(value, Mapping)]
        if by_name:
            names = dict.fromkeys(name for value in by_name for name in value)
            return {name: np.array([value.get(name, np.nan) for value in by_name], dtype=float) for name in names}
        return np.array(values, dtype=float)

    @classmethod
    def higher_is_better_of(cls, name: str) -> bool:
        """Of one value of several; default: `higher_is_better` for each."""
        return cls.higher_is_better

    def bounds_of(self, name: str) -> Limits | None:
        """The bounds of one value of several; default: `bounds` for each."""
        return self.bounds

    def closed_form(self, predictions: Predictions, level: float) -> Interval | dict[str, Interval] | None:
        """An interval for rows that are independent of each other; None: there is none, and rows are resampled."""
        return None

    def units(self, predictions: Predictions, groups: np.ndarray) -> float:
        """As how many independent groups (codes, int [n]; each row its own where there are none) its spread is known.

        Default: all. Where every class weighs the same, the rows of the rarest one decide most of it:
        imbalkit.functional.bootstrap.units_of_classes.
        """
        return float(len(np.unique(groups)))

    def degenerate_interval(
        self, predictions: Predictions, groups: np.ndarray, level: float
    ) -> Limits | dict[str, Limits]:
        """The limits (low, high) where every resample gives the same value, and so says nothing of its spread.

        Default: those of a value at one of its bounds, from the groups (codes, int [n]) of the class with the fewest of them.
        """
        labels = predictions.labels
        fewest = min((len(np.unique(groups[labels == code])) for code in np.unique(labels)), default=0)

        def limits(value: float, bounds: Limits | None) -> Limits:
            least, most = bounds or (math.nan, math.nan)
            share = round((value - least) / (most - least), 12)  # a sum may miss its bound by a rounding
            low, high = degenerate_interval(share, fewest, level)
            return least + low * (most - least), least + high * (most - least)

        value = self.compute(predictions)
        if isinstance(value, Mapping):
            return {name: limits(item, self.bounds_of(name)) for name, item in value.items()}
        return limits(value, self.bounds)


MetricRef = Annotated[Metric, part_of("metric")]
