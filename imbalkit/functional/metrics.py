"""Metrics of predictions in pure NumPy: fast enough for every epoch, and without scikit-learn's slow import.

The rule for absent classes: an average over classes is over the classes that occur among the labels, and a metric that
is not defined (a recall of an absent class, a precision of a class never predicted) is NaN, where scikit-learn gives 0.
Areas under curves: imbalkit.functional.ranking.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_FEW_PAIRS = 16  # cells up to which a matrix product counts faster


def confusion_matrix(
    labels: np.ndarray, decisions: np.ndarray, classes: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Rows by label (down) and decision (across), int64 [C, C]; with weights, one of each resample, float64 [R, C, C].

    Args:
        labels, decisions: int [n] in 0..C-1
        classes: C
        weights: how often each row counts, [R, n]
    """
    pairs = np.asarray(labels, dtype=np.int64) * classes + np.asarray(decisions, dtype=np.int64)
    if weights is None:
        return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    counted = np.zeros((len(weights), classes * classes))
    if classes * classes <= _FEW_PAIRS:
        counted[:] = weights @ np.eye(classes * classes, dtype=weights.dtype)[pairs]
    else:
        for row, times in zip(counted, weights, strict=True):
            row[:] = np.bincount(pairs, times, classes * classes)
    return counted.reshape(-1, classes, classes)


def ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    result: np.ndarray = np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole != 0)
    return result


def mean_where(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the values that count, [...]; NaN where none does. Both arrays are [..., C]."""
    return ratio(np.where(counts, values, 0.0).sum(axis=-1), counts.sum(axis=-1))


# Metrics of confusion matrices [..., C, C]: of one, or of many resamples at once.


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of rows decided rightly, [...]."""
    return ratio(found(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def found(confusion: np.ndarray) -> np.ndarray:
    """Rows of each class that are predicted it, [..., C]."""
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Share of each class's rows that are found, [..., C]; NaN for absent classes."""
    return ratio(found(confusion), confusion.sum(axis=-1))


def precisions(confusion: np.ndarray) -> np.ndarray:
    """Share of the rows predicted a class that are of it, [..., C]; NaN for classes never predicted."""
    return ratio(found(confusion), confusion.sum(axis=-2))


def f1_scores(confusion: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of each class, [..., C]; NaN for classes neither present nor predicted."""
    return ratio(2 * found(confusion), confusion.sum(axis=-2) + confusion.sum(axis=-1))


def present(confusion: np.ndarray) -> np.ndarray:
    """Classes that occur among the labels, bool [..., C]."""
    result: np.ndarray = confusion.sum(axis=-1) > 0
    return result


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Mean recall of the classes present (Brodersen et al. 2010), [...]."""
    return mean_where(recalls(confusion), present(confusion))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Mean F1 of the classes present, [...]."""
    return mean_where(f1_scores(confusion), present(confusion))


def g_mean(confusion: np.ndarray) -> np.ndarray:
    """Geometric mean of the recalls of the classes present (Kubat and Matwin 1997), [...]; 0 if one is never found."""
    with np.errstate(divide="ignore"):
        logarithms = np.log(recalls(confusion))
    result: np.ndarray = np.exp(mean_where(logarithms, present(confusion)))
    return result


def worst_recall(confusion: np.ndarray) -> np.ndarray:
    """Smallest recall of the classes present, [...]."""
    worst = np.where(present(confusion), recalls(confusion), np.inf).min(axis=-1)
    return np.where(np.isfinite(worst), worst, np.nan)


def minority_recall(confusion: np.ndarray, counts: np.ndarray | Sequence[int] | None = None) -> np.ndarray:
    """Mean recall of the smallest classes by `counts` [C] (default: rows of the confusion matrix), of those present, [...]."""
    counts = confusion.sum(axis=-1) if counts is None else np.asarray(counts)
    here = present(confusion)
    fewest = np.where(here, counts, np.inf).min(axis=-1, keepdims=True)
    return mean_where(recalls(confusion), here & (counts == fewest))


def mcc(confusion: np.ndarray) -> np.ndarray:
    """Matthews correlation, for any number of classes (Gorodkin 2004), [...]; NaN if all labels or all decisions are alike."""
    true, predicted = (confusion.sum(axis=axis).astype(np.float64) for axis in (-1, -2))
    rows = true.sum(axis=-1)
    spread = (rows**2 - (true**2).sum(axis=-1)) * (rows**2 - (predicted**2).sum(axis=-1))
    agreement = found(confusion).sum(axis=-1) * rows - (true * predicted).sum(axis=-1)
    return ratio(agreement, np.sqrt(np.maximum(spread, 0.0)))


def operating_points(
    positives: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What predicting every row with a score >= t positive gives, for each distinct score t, from the highest down.

    Args:
        positives: bool [n]
        scores: float [n], finite
        weights: how often each row counts, [R, n] (default: once)

    Returns:
        the distinct scores [k], true positives int64 [k], false positives int64 [k]; with weights float64 [R, k]
    """
    order = np.argsort(scores)[::-1]
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])  # where a run of equal scores ends
    if weights is None:
        hits = np.cumsum(positives[order], dtype=np.int64)[last]
        return ranked[last], hits, last + 1 - hits
    drawn = weights[:, order]
    hits = np.cumsum(drawn * positives[order], axis=1, dtype=np.float64)
    every = np.cumsum(drawn, axis=1, dtype=np.float64)
    if len(last) < len(ranked):
        hits, every = hits[:, last], every[:, last]
    return ranked[last], hits, every - hits


def log_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """-ln p(label) of each row, float64 [n], with p no smaller than the float type's epsilon; NaN where p is NaN."""
    smallest = np.finfo(probabilities.dtype).eps
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    result: np.ndarray = -np.log(np.clip(chosen, smallest, 1.0))
    return result


def squared_errors(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Squared error of each row's probabilities, float64 [n]: 0..1 for two classes, 0..2 for more, as in scikit-learn."""
    error = probabilities.astype(np.float64)
    error[np.arange(len(labels)), labels] -= 1.0
    half = 0.5 if probabilities.shape[1] == 2 else 1.0
    result: np.ndarray = half * (error**2).sum(axis=1)
    return result


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of `log_losses`; NaN without rows or where p is NaN."""
    return float(log_losses(labels, probabilities).mean()) if len(labels) else float("nan")


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of `squared_errors` (Brier 1950); NaN without rows."""
    return float(squared_errors(labels, probabilities).mean()) if len(labels) else float("nan")


def calibration_error(
    hits: np.ndarray, probabilities: np.ndarray, bins: int = 15, weights: np.ndarray | None = None
) -> np.ndarray:
    """Expected calibration error: mean over rows of the gap between probability and share of hits of their bin, [...].

    Bins are of equal width over 0..1 (Naeini et al. 2015; Guo et al. 2017). NaN without rows or where a probability is NaN.

    Args:
        hits: whether what the probability speaks of is so, bool [n]
        probabilities: float [n], 0..1
        bins: how many
        weights: how often each row counts, [R, n] (default: once)
    """
    shape = () if weights is None else (len(weights),)
    if not len(hits) or np.isnan(probabilities).any():
        return np.full(shape, np.nan)
    place = np.minimum((probabilities * bins).astype(np.int64), bins - 1)
    excess = np.zeros((len(hits), bins))  # a bin's gap times its rows is the sum of (probability - hit)
    excess[np.arange(len(hits)), place] = probabilities - hits
    weights_of = np.ones((1, len(hits))) if weights is None else weights.astype(np.float64)
    gaps = np.abs(weights_of @ excess).sum(axis=1)
    return ratio(gaps, weights_of.sum(axis=1)).reshape(shape)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities float64 [n, C] of logits [n, C]. As scipy.special.softmax, whose import is slow."""
    logits = np.asarray(logits, dtype=np.float64)
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: np.ndarray = exponent / exponent.sum(axis=1, keepdims=True)
    return result
