"""Tests of two models on the same rows: exact ones for rates, DeLong's for ROC areas, and Holm's correction for many."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from imbalkit.functional.delong import delong


@dataclass(frozen=True)
class Difference:
    """Second model less the first: its interval, and the p-value of no difference; NaN where it is not defined."""

    value: float
    low: float
    high: float
    p: float


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Exact two-sided p-value of two models being right (or wrong) equally often on independent rows, bool [n] each.

    Only rows on which they differ count: of k such rows, either model is right on k / 2 on average
    (McNemar 1947; the binomial form of Edwards 1948). 1 where they never differ.
    """
    return sign_flip(_signed(first, second))


def cluster_permutation(first: np.ndarray, second: np.ndarray, groups: np.ndarray) -> float:
    """`mcnemar` for rows that come in groups, int [n]: models are swapped in whole groups, in every possible way.

    If the models are alike, either of them may have given a group's answers, all of these together. A permutation test
    (Good 2005, section 3.7), worked out exactly; where no group has two rows it is McNemar's.
    """
    _, place = np.unique(groups, return_inverse=True)
    return sign_flip(np.bincount(place, weights=_signed(first, second)).round().astype(np.int64))


def paired_share_interval(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of the second share less the first on the same independent rows, bool [n] each.

    As if one row more each way had been found (Bonett and Price 2012), so that rows on which the models never differ still
    leave something open.
    """
    differences, rows = _signed(first, second), len(first) + 2
    gained, lost = ((int((differences == sign).sum()) + 1) / rows for sign in (1, -1))
    half = NormalDist().inv_cdf((1 + level) / 2) * ((gained + lost - (gained - lost) ** 2) / rows) ** 0.5
    return max(-1.0, gained - lost - half), min(1.0, gained - lost + half)


def sign_flip(differences: np.ndarray) -> float:
    """Probability that the sum of whole numbers, int [m], is as far from 0 or farther when each keeps its sign or turns it.

    Exact: the sum's distribution is worked out from binomial ones, one for each size of difference.
    """
    from scipy.stats import binom

    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    probabilities, total = np.ones(1), 0  # of the sums -total, -total + 1, ..., total
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        of_size = np.zeros(2 * size * count + 1)
        of_size[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)  # how many of them are positive
        probabilities, total = np.convolve(probabilities, of_size), total + size * count
    sums = np.arange(-total, total + 1)
    return float(min(1.0, probabilities[np.abs(sums) >= abs(int(differences.sum()))].sum()))


def _signed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """1 where only the second is true, -1 where only the first is."""
    return np.asarray(second, dtype=np.int64) - np.asarray(first, dtype=np.int64)


def delong_test(positives: np.ndarray, first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Difference:
    """Difference of two ROC areas on the same independent rows (DeLong, DeLong and Clarke-Pearson 1988).

    Args:
        positives: bool [n]
        first, second: scores float [n], higher for the positive class
        level: of the interval, which is symmetric and normal
    """
    areas, covariance = delong(positives, np.stack([first, second]))
    value = float(areas[1] - areas[0])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    unknown = Difference(value, math.nan, math.nan, math.nan)
    if not math.isfinite(variance) or not math.isfinite(value):
        return unknown
    if variance < 1e-15:  # the same ranks; or both areas are 0 or 1, and nothing shows how sure that is
        return Difference(value, value, value, 1.0) if abs(value) < 1e-12 else unknown
    normal, error = NormalDist(), variance**0.5
    half = normal.inv_cdf((1 + level) / 2) * error
    return Difference(value, value - half, value + half, 2 * normal.cdf(-abs(value) / error))


def expanded_level(level: float, units: float) -> float:
    """The level to take a percentile interval at so that it holds `level` with few units (rows or groups), 2 or more.

    A resample of u units spreads too little, by (u - 1) / u, and u units know their spread no better than Student's t: the
    expanded percentile interval (Hesterberg 2015, "What Teachers Should Know About the Bootstrap").
    """
    from scipy.special import ndtr, stdtrit

    return float(1 - 2 * ndtr(-((units / (units - 1)) ** 0.5) * stdtrit(units - 1, (1 + level) / 2)))


def expanded_p(p: float, units: float) -> float:
    """A bootstrap p-value as the expanded interval has it: below 1 - level where that interval leaves out no difference."""
    from scipy.special import ndtri, stdtr

    return float(2 * stdtr(units - 1, -abs(ndtri(p / 2)) * ((units - 1) / units) ** 0.5))


def students_difference(value: float, deviation: float, units: float, level: float) -> Difference:
    """The same for so few units that the expanded interval would end beyond all resamples: symmetric, by Student's t.

    Args:
        value: the difference
        deviation: standard deviation of the resamples
        units: rows or groups behind it, 2 or more
        level: of the interval
    """
    from scipy.special import stdtr, stdtrit

    error = deviation * (units / (units - 1)) ** 0.5
    half = float(stdtrit(units - 1, (1 + level) / 2)) * error
    return Difference(value, value - half, value + half, float(2 * stdtr(units - 1, -abs(value) / error)))


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values corrected for their number (Holm 1979), [k]: the probability of any false rejection stays below the level.

    NaN stays and does not count.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted
