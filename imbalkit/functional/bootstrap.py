"""The bootstrap by weights: a resample is how often each row was drawn, and a figure of all resamples is a few sums.

Rows (or groups of rows) are drawn with replacement within strata, such as folds and classes. Figures are computed for
every resample at once from the weights [resamples, n], without copying a row.
Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 (resampling), 8 (groups) and 13 (percentiles).
"""

from __future__ import annotations

import numpy as np


def draw_weights(n: int, resamples: int, rng: np.random.Generator, strata: np.ndarray | None = None) -> np.ndarray:
    """How often each of n rows is in each resample, float32 [resamples, n]; each stratum keeps its size.

    Args:
        n: rows
        resamples: how many resamples
        rng: generator
        strata: codes, int [n]; rows are drawn within them (default: one stratum)
    """
    strata = np.zeros(n, dtype=np.int64) if strata is None else np.asarray(strata)
    weights = np.zeros((resamples, n), dtype=np.float32)
    for code in np.unique(strata):
        rows = np.flatnonzero(strata == code)
        drawn = rng.integers(len(rows), size=(resamples, len(rows)))
        drawn += np.arange(resamples)[:, None] * len(rows)
        counts = np.bincount(drawn.ravel(), minlength=resamples * len(rows))
        weights[:, rows] = counts.reshape(resamples, len(rows))
    return weights


def mean_of(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted means of `values` [n] over the rows where it is not NaN, float64 [resamples]; NaN where no row is drawn."""
    known = ~np.isnan(values)
    total = weights[:, known].sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return weights[:, known].astype(np.float64) @ values[known] / total


def roc_auc(positives: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of every resample, float64 [resamples]; ties count one half.

    Args:
        positives: bool [n]
        scores: float [n], higher for the positive class
        weights: [resamples, n]
    """
    negative, positive = _by_score(positives, scores, weights)
    below = np.cumsum(negative, axis=1) - negative / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))


def miss_rate_at(positives: np.ndarray, scores: np.ndarray, weights: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    """Smallest miss rate of every resample with at most this false alarm rate, float64 [resamples].

    The operating point is chosen on the rows themselves: a figure that compares rankings, not one that a user will see.
    Rows of equal scores are called alike.
    """
    negative, positive = _by_score(positives, scores, weights)
    # Called positive from the k-th distinct score on, k = 0..m: the false alarms are those from there up.
    alarms = np.concatenate([np.cumsum(negative[:, ::-1], axis=1)[:, ::-1], np.zeros((len(weights), 1))], axis=1)
    missed = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(positive, axis=1)], axis=1)
    allowed = alarms <= false_alarm_rate * negative.sum(axis=1, keepdims=True) * (1 + 1e-12)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(allowed, missed, np.inf).min(axis=1) / positive.sum(axis=1)


def _by_score(positives: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of negatives and positives at each distinct score, rising, float64 [resamples, distinct scores]."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan) != 0)
    ordered = weights[:, order].astype(np.float64)
    positive = np.where(positives[order], ordered, 0.0)
    negative = ordered - positive
    return np.add.reduceat(negative, starts, axis=1), np.add.reduceat(positive, starts, axis=1)


def percentile_interval(resampled: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of a figure's resamples [resamples], those that are not defined left out."""
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def two_sided_p(differences: np.ndarray) -> float:
    """Bootstrap p-value of a paired difference being zero, from its resamples [resamples].

    Twice the share of resamples on the other side of zero, with one added to both counts, so that it is never 0
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, eq. 4.11).
    """
    known = differences[~np.isnan(differences)]
    least = min((known <= 0).sum(), (known >= 0).sum())
    return float(min(1.0, 2 * (least + 1) / (len(known) + 1)))
