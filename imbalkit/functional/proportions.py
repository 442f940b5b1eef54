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


def mid_p(
    hits: float | np.ndarray, trials: float | np.ndarray, level: float = 0.95
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """The mid-P interval: Clopper and Pearson's with half the probability of the hits found (Lancaster 1961); NaN without trials.

    Arguments and result as `wilson`.
    """
    hits, trials = np.broadcast_arrays(np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64))
    low, miss = _mid_p_low(np.stack([hits, trials - hits]), np.stack([trials, trials]), level)
    none = trials == 0
    return np.where(none, np.nan, low)[()], np.where(none, np.nan, 1 - miss)[()]


def _mid_p_low(hits: np.ndarray, trials: np.ndarray, level: float) -> np.ndarray:
    """The share of which as many hits or more are seen with a probability of (1 - level) / 2, those found counted by half."""
    from scipy.special import betainc

    found, misses = np.maximum(hits, 1e-300), trials - hits
    low, high = np.zeros(hits.shape), np.ones(hits.shape)
    for _ in range(50):
        middle = (low + high) / 2
        more = np.where(misses > 0, betainc(hits + 1, np.maximum(misses, 1e-300), middle), 0.0)
        tail = (betainc(found, misses + 1, middle) + more) / 2
        low, high = np.where(tail < (1 - level) / 2, middle, low), np.where(tail < (1 - level) / 2, high, middle)
    return np.where(hits > 0, low, 0.0)


def sum_of_shares(
    hits: np.ndarray, trials: np.ndarray, factors: np.ndarray, level: float = 0.95, disjoint: bool = False
) -> tuple[float, float]:
    """The interval of a sum of shares, hits [k] of trials [k], each times a factor [k] of either sign.

    Each share's mid-P limits are as far from it as its own error; the errors of independent shares add as squares (MOVER, the
    method of variance estimates recovery: Newcombe 1998 for two shares, Zou, Huang and Zhang 2009 for sums), others with the
    correlation of each two (Zou 2007).

    Args:
        hits, trials, factors: [k]
        level: of the interval
        disjoint: the trials are the same rows, and none is a hit of two shares: their correlation is that of a multinomial,
            -sqrt(p q / ((1 - p) (1 - q))); without it the shares are independent
    """
    factors = np.asarray(factors, dtype=np.float64)
    share = np.asarray(hits) / np.asarray(trials)
    one, other = (factors * (limit - share) for limit in mid_p(hits, trials, level))
    correlation = np.eye(len(share))
    if disjoint:
        odds = np.where(share < 1, share / np.where(share < 1, 1 - share, 1), 0.0)  # of a share of 1 the others are 0
        correlation -= np.sqrt(np.outer(odds, odds)) * np.sign(np.outer(factors, factors)) * (1 - correlation)
    below, above = (
        float(np.sqrt(max(0.0, float(errors @ correlation @ errors))))
        for errors in (np.minimum(one, other), np.maximum(one, other))
    )
    value = float(factors @ share)
    return value - below, value + above


def mean_of_shares(hits: np.ndarray, trials: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of the mean of independent shares, hits [k] of trials [k] of 1 or more each."""
    low, high = sum_of_shares(hits, trials, np.full(len(hits), 1 / len(hits)), level)
    return max(0.0, low), min(1.0, high)  # beyond by a rounding at most


def geometric_mean_of_shares(hits: np.ndarray, trials: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of the geometric mean of independent shares, as `mean_of_shares` but of their logarithms.

    Where a share is 0, so is the mean, and what it may be at most is the geometric mean of the upper limits.
    """
    share = np.asarray(hits) / np.asarray(trials)
    low, high = mid_p(hits, trials, level)
    if not share.all():
        return 0.0, float(np.exp(np.log(high).mean()))
    middle = np.log(share).mean()
    below, above = (float(np.linalg.norm(np.log(limit / share))) / len(share) for limit in (low, high))
    return float(np.exp(middle - below)), min(1.0, float(np.exp(middle + above)))


def degenerate_interval(value: float, units: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share that is 0 (or 1) however its rows are resampled; NaN for another value.

    What Clopper and Pearson give for m hits in m trials, with m the groups that stand behind the share: if a share 1 - A of
    them were otherwise, m of them would show none of it with a probability of A^m. For an area m counts the groups of its
    smaller class: a share of the rows of one class that lost all its pairs would take as much from the area.
    """
    if not units or value not in (0.0, 1.0):
        return float("nan"), float("nan")
    miss = 1 - ((1 - level) / 2) ** (1 / units)
    return (1 - miss, 1.0) if value else (0.0, miss)
