"""How well scores rank positive rows above others: areas under curves, and one rate at a fixed other one.

Every metric is of the rows as they are, [], or with weights [R, n] of R resamples at once, [R]. It is NaN where a class
that it needs is absent or a score is not finite. Common arguments: positives bool [n]; scores float [n], higher for the
positive class; weights float [R, n], how often each row counts (default: once). Rows of equal scores are predicted alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from imbalkit.functional.metrics import ratio

_TINY = 1e-12  # so that a rate which a sum of weights reaches exactly counts as reached
_EXACT = 2**22  # rows up to which float32 sums of whole weights, some of them several, are exact


class Steps(NamedTuple):
    """The operating points at which recall rises: the k distinct scores of positive rows, falling.

    All are float64, [k] or with weights [R, k]; totals [1] or [R, 1].
    """

    gains: np.ndarray  # positive rows of this very score
    hits: np.ndarray  # positive rows of this score or a higher one
    before: np.ndarray  # other rows of a higher score
    alarms: np.ndarray  # other rows of this score or a higher one
    positive: np.ndarray  # all positive rows
    other: np.ndarray  # all other rows


def steps(positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> Steps | None:
    """Every corner of the ROC curve; None without a positive row, or where a score is not finite."""
    positives, scores = np.asarray(positives), np.asarray(scores, dtype=np.float64)
    if not positives.any() or not np.isfinite(scores).all():
        return None
    weights = np.ones(len(scores)) if weights is None else weights
    if len(scores) > _EXACT:
        weights = weights.astype(np.float64)
    rows, others = (np.flatnonzero(mask)[np.argsort(-scores[mask], kind="stable")] for mask in (positives, ~positives))
    starts = np.flatnonzero(np.append(True, scores[rows][1:] != scores[rows][:-1]))
    steps_at, falling = -scores[rows][starts], -scores[others]
    gains = np.add.reduceat(np.take(weights, rows, axis=-1), starts, axis=-1).astype(np.float64)
    before, alarms = (np.searchsorted(falling, steps_at, side=side) for side in ("left", "right"))
    # Sums of the other rows between those counts, then their running total: no more columns than steps need.
    cuts = np.unique(np.concatenate([[0], before, alarms, [len(others)]]))
    seen = np.zeros((*weights.shape[:-1], len(cuts)))
    if len(others):
        between = np.add.reduceat(np.take(weights, others, axis=-1), cuts[:-1], axis=-1)
        np.cumsum(between, axis=-1, out=seen[..., 1:])
    hits = np.cumsum(gains, axis=-1)
    before, alarms = (np.take(seen, np.searchsorted(cuts, counts), axis=-1) for counts in (before, alarms))
    return Steps(gains, hits, before, alarms, hits[..., -1:], seen[..., -1:])


def roc_auc(positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve: the probability that a positive row has a higher score than another, ties half."""
    found = steps(positives, scores, weights)
    if found is None:
        return _undefined(weights)
    beaten = found.other - (found.before + found.alarms) / 2
    return _ratio((found.gains * beaten).sum(axis=-1), found.positive * found.other)


def average_precision(positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the precision-recall curve as a sum of steps: sum_k (recall_k - recall_(k-1)) precision_k."""
    found = steps(positives, scores, weights)
    if found is None:
        return _undefined(weights)
    precision = found.hits / np.maximum(found.hits + found.alarms, _TINY)  # before the first row drawn both are 0
    return _ratio((found.gains * precision).sum(axis=-1), found.positive)


def partial_auc(
    positives: np.ndarray, scores: np.ndarray, min_tpr: float = 0.8, weights: np.ndarray | None = None
) -> np.ndarray:
    """Area between the ROC curve and the line of this true positive rate, 0..1 - min_tpr: ISIC 2024's metric at 0.8.

    Not normalised. With the labels flipped and the scores negated it is the area up to a false positive rate of
    1 - min_tpr, which scikit-learn's `roc_auc_score(max_fpr=...)` standardises (McClish 1989).
    """
    found = steps(positives, scores, weights)
    if found is None:
        return _undefined(weights)
    # Of each step the part above the line, times the other rows right of its middle.
    above = np.clip(found.hits - min_tpr * found.positive, 0.0, found.gains)
    slope = (found.alarms - found.before) / np.maximum(found.gains, _TINY)
    right = found.other - found.alarms + slope * above / 2
    return _ratio((above * right).sum(axis=-1), found.positive * found.other)


def sensitivity_at_specificity(
    positives: np.ndarray, scores: np.ndarray, specificity: float, weights: np.ndarray | None = None
) -> np.ndarray:
    """Largest share of positive rows that can be found with at least this share of the others predicted negative."""
    found = steps(positives, scores, weights)
    if found is None:
        return _undefined(weights)
    allowed = (1 - specificity) * found.other * (1 + _TINY)
    best = np.where(found.alarms <= allowed, found.hits, 0.0).max(axis=-1)
    return _ratio(best, found.positive * (found.other > 0))


def specificity_at_sensitivity(
    positives: np.ndarray, scores: np.ndarray, sensitivity: float, weights: np.ndarray | None = None
) -> np.ndarray:
    """Largest share of other rows that can be predicted negative with at least this share of the positive ones found."""
    found = steps(positives, scores, weights)
    if found is None:
        return _undefined(weights)
    enough = found.hits >= sensitivity * found.positive * (1 - _TINY)
    least = np.where(enough, found.alarms, np.inf).min(axis=-1) if sensitivity > 0 else 0.0
    return _ratio(found.other[..., 0] - least, found.other * (found.positive > 0))


def miss_rate_at(positives: np.ndarray, scores: np.ndarray, weights: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    """Smallest miss rate of every resample with at most this false alarm rate, [R].

    The operating point is chosen on the rows themselves: a metric that compares rankings, not one that a user will see.
    """
    return 1 - sensitivity_at_specificity(positives, scores, 1 - false_alarm_rate, weights)


def one_vs_rest(
    metric: Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray],
    labels: np.ndarray,
    probabilities: np.ndarray,
    positive: int | None,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """A metric of the positive class; without one its mean over the classes present, each against the rest.

    Args:
        metric: of (positives, scores, weights)
        labels: int [n]
        probabilities: float [n, C]
        positive: index of the positive class, or None
        weights: [R, n]
    """
    if positive is not None:
        return metric(labels == positive, probabilities[:, positive], weights)
    total = count = np.zeros(() if weights is None else len(weights))
    for code in np.unique(labels):
        positives = labels == code
        value = metric(positives, probabilities[:, code], weights)
        present = True if weights is None else weights @ positives > 0
        total, count = total + np.where(present, value, 0.0), count + present
    return ratio(total, count)


def _undefined(weights: np.ndarray | None) -> np.ndarray:
    return np.full(() if weights is None else len(weights), np.nan)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part [...] / whole [..., 1], [...]; NaN where whole is 0."""
    return ratio(part, whole[..., 0])
