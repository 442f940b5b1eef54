"""Variance of ROC areas without resampling."""

from __future__ import annotations

import numpy as np

from imbalkit.functional.proportions import degenerate_interval

_PRIOR_ROWS = 10  # for as much counts that DeLong's variance is Newcombe's: of few rows it is often far too small


def delong(positives: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ROC areas of several scores on the same rows, and their covariance (DeLong, DeLong and Clarke-Pearson 1988).

    By midranks, O(n log n) (Sun and Xu 2014). Rows must be independent of each other.

    Args:
        positives: bool [n]
        scores: float [k, n], higher for the positive class; ties count one half

    Returns:
        areas float64 [k], covariance float64 [k, k]; NaN where a class has no row (areas) or fewer than two (covariance)
    """
    areas, (of_hits, of_others) = _areas_and_covariances(positives, scores)
    return areas, of_hits + of_others


def _areas_and_covariances(
    positives: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """ROC areas, and what the positive rows and the others each add to their covariance."""
    positives, scores = np.asarray(positives, dtype=np.bool_), np.atleast_2d(scores)
    hits, others = int(positives.sum()), int((~positives).sum())
    if not hits or not others or not np.isfinite(scores).all():
        none = np.full((len(scores),) * 2, np.nan)
        return np.full(len(scores), np.nan), (none, none)
    above = np.empty((len(scores), hits))  # share of the negatives that a positive beats
    below = np.empty((len(scores), others))  # share of the positives that beat a negative
    for index, row in enumerate(scores):
        every = midranks(row)
        above[index] = (every[positives] - midranks(row[positives])) / others
        below[index] = 1 - (every[~positives] - midranks(row[~positives])) / hits
    return above.mean(axis=1), (_mean_covariance(above), _mean_covariance(below))


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, float64 [n]; equal values share the mean of theirs. As scipy.stats.rankdata, whose import is slow."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _mean_covariance(parts: np.ndarray) -> np.ndarray:
    """Covariance of the means of [k, m]; NaN for m = 1."""
    count = parts.shape[1]
    if count < 2:
        return np.full((len(parts),) * 2, np.nan)
    result: np.ndarray = np.atleast_2d(np.cov(parts)) / count
    return result


def delong_interval(positives: np.ndarray, scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of one ROC area: the areas that the one found is not too far from, for the variance they would have.

    How the variance changes with the area is as in method 5 of Newcombe 2006; its size at the area found is DeLong's (but not
    less than a mean of both, weighed as so many degrees of freedom against ten), and too far is by Student's t with the
    degrees of freedom of two means (Welch 1947). With many rows of both classes that is DeLong's interval; with eight of one,
    DeLong's variance by itself is too small too often. An area of 0 or 1 has no variance: its bound comes from the rows of
    the smaller class. Arguments as `delong`, scores [n].
    """
    from scipy.special import stdtrit

    areas, by_class = _areas_and_covariances(positives, scores)
    area, parts = float(areas[0]), [float(part[0, 0]) for part in by_class]
    rows = int(positives.sum()), int((~positives).sum())
    if area in (0.0, 1.0):
        return degenerate_interval(area, min(rows), level)
    variance = sum(parts)
    if not variance > 0:
        return float("nan"), float("nan")
    freedom = variance**2 / sum(part**2 / (count - 1) for part, count in zip(parts, rows, strict=True))
    larger = variance / newcombe_variance(area, *rows)
    larger = max(larger, (freedom * larger + _PRIOR_ROWS) / (freedom + _PRIOR_ROWS))
    times = float(stdtrit(freedom, (1 + level) / 2)) * larger**0.5
    return _score_limit(area, 0.0, times, rows), _score_limit(area, 1.0, times, rows)


def newcombe_variance(area: float, hits: int, others: int) -> float:
    """Of an ROC area from so many rows of both classes, whose scores are spread alike (Newcombe 2006, method 5)."""
    more = (hits + others) / 2 - 1
    return area * (1 - area) * (1 + more * (1 - area) / (2 - area) + more * area / (1 + area)) / (hits * others)


def _score_limit(area: float, end: float, times: float, rows: tuple[int, int]) -> float:
    """The area between the one found and `end` from which the one found is `times` standard errors away."""
    from scipy.optimize import brentq

    def excess(truth: float) -> float:
        return (truth - area) ** 2 - times**2 * newcombe_variance(truth, *rows)

    return float(brentq(excess, area, end, xtol=1e-12))
