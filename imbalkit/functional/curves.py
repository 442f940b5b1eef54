"""Curves over all operating points, and the bands that resamples give them.

Common arguments: positives bool [n]; scores float [n], higher for the positive class; weights float [R, n], how often each
row is in each resample. A band is the pointwise interval of the curve at each place of a grid: NaN where more than one
resample in ten does not define it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imbalkit.functional.bootstrap import BLOCK, UNDEFINED
from imbalkit.functional.metrics import operating_points, ratio
from imbalkit.functional.ranking import Steps, steps
from imbalkit.functional.usefulness import expected_cost, net_benefit

Band = tuple[np.ndarray, np.ndarray]  # low, high, both [grid]


def roc_points(positives: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False alarm rate, recall and threshold, [k], from predicting no row positive (threshold inf) to predicting every row so."""
    thresholds, hits, alarms = operating_points(positives, scores)
    alarms, hits = np.append(0, alarms), np.append(0, hits)
    return ratio(alarms, alarms[-1]), ratio(hits, hits[-1]), np.append(np.inf, thresholds)


def precision_recall_points(positives: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recall, precision and threshold, [k], from the highest threshold down."""
    thresholds, hits, alarms = operating_points(positives, scores)
    return ratio(hits, hits[-1:]), ratio(hits, hits + alarms), thresholds


def roc_band(
    positives: np.ndarray, scores: np.ndarray, weights: np.ndarray, grid: np.ndarray, level: float = 0.95
) -> Band:
    """Interval of the recall at each false alarm rate of `grid` [g], straight between operating points."""

    def curve(found: Steps) -> np.ndarray:
        rates = np.stack([found.before, found.alarms], axis=1).ravel() / found.other
        recalls = np.stack([found.hits - found.gains, found.hits], axis=1).ravel() / found.positive
        result: np.ndarray = np.interp(grid, rates, recalls)  # beyond the last corner recall is 1
        return result

    return _band(positives, scores, weights, curve, len(grid), level)


def precision_recall_band(
    positives: np.ndarray, scores: np.ndarray, weights: np.ndarray, grid: np.ndarray, level: float = 0.95
) -> Band:
    """Interval of the precision at the first operating point that reaches each recall of `grid` [g].

    No straight lines: between two operating points precision does not move on one (Davis and Goadrich 2006).
    """

    def curve(found: Steps) -> np.ndarray:
        needed = np.maximum(np.asarray(grid) * found.positive * (1 - 1e-12), 1e-12)
        first = np.searchsorted(found.hits, needed)
        result: np.ndarray = found.hits[first] / (found.hits + found.alarms)[first]
        return result

    return _band(positives, scores, weights, curve, len(grid), level)


def _band(
    positives: np.ndarray,
    scores: np.ndarray,
    weights: np.ndarray,
    curve: Callable[[Steps], np.ndarray],
    width: int,
    level: float,
) -> Band:
    """Pointwise percentiles of a curve [width] from the steps of one resample, `Steps` of [k]."""
    drawn = np.full((len(weights), width), np.nan)
    rows = max(1, BLOCK // max(len(scores), 1))
    for start in range(0, len(weights), rows):
        found = steps(positives, scores, weights[start : start + rows])
        if found is None:
            break
        for row in np.flatnonzero((found.positive > 0) & (found.other > 0)):
            drawn[start + row] = curve(Steps(*(part[row] for part in found)))
    return _percentiles(drawn, level)


def _percentiles(drawn: np.ndarray, level: float) -> Band:
    """Interval of each column of [R, width], rows that are NaN left out."""
    known = drawn[~np.isnan(drawn).any(axis=1)]
    if len(known) < (1 - UNDEFINED) * len(drawn) or not len(known):
        return np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def decision_curve(
    positives: np.ndarray, probabilities: np.ndarray, grid: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Net benefit of acting from each threshold probability of `grid` [g] on, [g]; with weights [R, g].

    Compare with predicting no row positive, 0, and every row, `net_benefit(prevalence, 1 - prevalence, grid)`.
    """
    predicted = np.asarray(probabilities)[:, None] >= np.asarray(grid)  # [n, g]
    gains = net_benefit(predicted * positives[:, None], predicted * ~positives[:, None], np.asarray(grid))
    if weights is None:
        return gains.mean(axis=0) if len(gains) else np.full(len(grid), np.nan)
    return ratio(weights @ gains, weights.sum(axis=1, keepdims=True))


def decision_band(
    positives: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, grid: np.ndarray, level: float = 0.95
) -> Band:
    """Interval of the net benefit at each threshold probability of `grid` [g]."""
    return _percentiles(decision_curve(positives, probabilities, grid, weights), level)


def cost_curve(positives: np.ndarray, scores: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Least normalised expected cost that any threshold gives at each probability cost of `grid` [g] (Drummond, Holte 2006).

    The lower envelope of the operating points' lines, which `expected_cost` gives; NaN without rows of both sorts.
    """
    alarms, recalls, _ = roc_points(positives, scores)
    grid = np.asarray(grid)
    if np.isnan(alarms).any() or np.isnan(recalls).any():
        return np.full(len(grid), np.nan)
    least = [expected_cost(1 - recalls, alarms, share).min() for share in grid.tolist()]
    return np.array(least)
