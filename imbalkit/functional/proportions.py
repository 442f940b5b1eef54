"""Intervals of a share of independent trials."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np


def wilson(
    hits: float | np.ndarray, trials: float | np.ndarray, level: float = 0.95
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """Wilson's score interval (Wilson 1927; Brown, Cai and DasGupta 2001); NaN without trials.

    Args:
        hits: successes, any shape
        trials: of the same shape
        level: share of intervals that shall hold the truth

    Returns:
        (low, high), both of that shape
    """
    hits, trials = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    z = NormalDist().inv_cdf((1 + level) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = hits / trials
        middle = (hits + z**2 / 2) / (trials + z**2)
        half = z * np.sqrt(share * (1 - share) * trials + z**2 / 4) / (trials + z**2)
    high = np.where(hits == trials, 1.0, middle + half)  # exactly 1, which rounding would miss; 0 it does not
    none = trials == 0
    return np.where(none, np.nan, middle - half)[()], np.where(none, np.nan, high)[()]


def clopper_pearson(
    hits: float | np.ndarray, trials: float | np.ndarray, level: float = 0.95
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """The exact interval of Clopper and Pearson (1934); NaN without trials. Arguments and result as `wilson`.

    Each limit alone holds at (1 + level) / 2: for a one-sided bound at 0.95, take `low` at level 0.9.
    """
    from scipy.special import betaincinv

    hits, trials = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    tail = (1 - level) / 2
    misses = trials - hits
    with np.errstate(invalid="ignore"):
        low = np.where(hits <= 0, 0.0, betaincinv(np.maximum(hits, 1e-300), misses + 1, tail))
        high = np.where(misses <= 0, 1.0, betaincinv(hits + 1, np.maximum(misses, 1e-300), 1 - tail))
    none = trials == 0
    return np.where(none, np.nan, low)[()], np.where(none, np.nan, high)[()]


def bound_of_alike(value: float, units: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share that is 0 (or 1) however its rows are resampled; NaN for another value.

    What Clopper and Pearson give for m hits in m trials, with m the groups that stand behind the share: if a share 1 - A of
    them were otherwise, m of them would show none of it with a chance of A^m. For an area m counts the groups of its
    smaller side: a share of the rows of one side that lost all its pairs would take as much from the area.
    """
    if not units or value not in (0.0, 1.0):
        return float("nan"), float("nan")
    miss = 1 - ((1 - level) / 2) ** (1 / units)
    return (1 - miss, 1.0) if value else (0.0, miss)
