"""Variance of ROC areas without resampling."""

from __future__ import annotations

import numpy as np

from imbalkit.functional.bootstrap import logit_interval
from imbalkit.functional.proportions import bound_of_alike


def delong(positives: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ROC areas of several scores on the same rows, and their covariance (DeLong, DeLong and Clarke-Pearson 1988).

    By midranks, O(n log n) (Sun and Xu 2014). Rows must be independent of each other.

    Args:
        positives: bool [n]
        scores: float [k, n], higher for the positive class; ties count one half

    Returns:
        areas float64 [k], covariance float64 [k, k]; NaN where a class has no row (areas) or fewer than two (covariance)
    """
    positives, scores = np.asarray(positives, dtype=np.bool_), np.atleast_2d(scores)
    hits, others = int(positives.sum()), int((~positives).sum())
    if not hits or not others or not np.isfinite(scores).all():
        return np.full(len(scores), np.nan), np.full((len(scores),) * 2, np.nan)
    above = np.empty((len(scores), hits))  # share of the negatives that a positive beats
    below = np.empty((len(scores), others))  # share of the positives that beat a negative
    for index, row in enumerate(scores):
        every = midranks(row)
        above[index] = (every[positives] - midranks(row[positives])) / others
        below[index] = 1 - (every[~positives] - midranks(row[~positives])) / hits
    return above.mean(axis=1), _mean_covariance(above) + _mean_covariance(below)


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, float64 [n]; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def _mean_covariance(parts: np.ndarray) -> np.ndarray:
    """Covariance of the means of [k, m]; NaN for m = 1."""
    count = parts.shape[1]
    if count < 2:
        return np.full((len(parts),) * 2, np.nan)
    return np.atleast_2d(np.cov(parts)) / count


def delong_interval(positives: np.ndarray, scores: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The interval of one ROC area, on the logit scale, so that it stays within 0..1 (Pepe 2003, section 5.2.3).

    An area of 0 or 1 has no variance: its bound comes from the rows of the smaller class. Arguments as `delong`, scores [n].
    """
    areas, covariance = delong(positives, scores)
    area, variance = float(areas[0]), float(covariance[0, 0])
    if area in (0.0, 1.0):
        return bound_of_alike(area, int(min(positives.sum(), (~positives).sum())), level)
    return logit_interval(area, variance**0.5, level) if variance > 0 else (float("nan"), float("nan"))
