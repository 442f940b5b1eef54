"""What a few seeds say of a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeanDifference:
    """The mean of paired differences over n seeds, its interval, and their standard deviation (n - 1)."""

    mean: float
    low: float
    high: float
    deviation: float
    n: int


def mean_difference(differences: Sequence[float], level: float = 0.95) -> MeanDifference:
    """Student's interval of the mean of paired differences [n]: mean +- t(n - 1) s / sqrt(n) (Student 1908).

    It is the spread that initial weights and the order of rows give; not that of the test rows. NaN limits with one value.
    """
    from scipy.stats import t

    values = np.asarray(differences, dtype=np.float64)
    n, mean = len(values), float(values.mean())
    if n < 2:
        return MeanDifference(mean, math.nan, math.nan, math.nan, n)
    deviation = float(values.std(ddof=1))
    half = float(t.ppf(0.5 + level / 2, n - 1)) * deviation / math.sqrt(n)
    return MeanDifference(mean, mean - half, mean + half, deviation, n)
