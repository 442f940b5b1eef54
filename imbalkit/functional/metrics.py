"""Figures on predictions in pure NumPy: fast enough for every epoch, and without scikit-learn's slow import.

The rule for absent classes: an average over classes is over the classes that occur among the labels, and a figure that
is not defined (a recall of an absent class, a precision of a class never called) is NaN, where scikit-learn gives 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def confusion_matrix(labels: np.ndarray, decisions: np.ndarray, classes: int) -> np.ndarray:
    """Rows by label (down) and decision (across), int64 [C, C]; `labels` and `decisions` are int [n] in 0..C-1."""
    pairs = np.asarray(labels, dtype=np.int64) * classes + np.asarray(decisions, dtype=np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where whole is 0."""
    part, whole = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole != 0)


def mean_present(values: np.ndarray, confusion: np.ndarray) -> float:
    """Mean over the classes that occur among the labels; NaN without rows."""
    present = confusion.sum(axis=1) > 0
    return float(values[present].mean()) if present.any() else float("nan")


def accuracy(confusion: np.ndarray) -> float:
    """Share of rows decided rightly."""
    return float(ratio(np.trace(confusion), confusion.sum()))


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Share of each class's rows that are found, [C]; NaN for absent classes."""
    return ratio(np.diag(confusion), confusion.sum(axis=1))


def precisions(confusion: np.ndarray) -> np.ndarray:
    """Share of the rows called a class that are of it, [C]; NaN for classes never called."""
    return ratio(np.diag(confusion), confusion.sum(axis=0))


def f1_scores(confusion: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of each class, [C]; NaN for classes neither present nor called."""
    return ratio(2 * np.diag(confusion), confusion.sum(axis=0) + confusion.sum(axis=1))


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Mean recall of the classes present (Brodersen et al. 2010)."""
    return mean_present(recalls(confusion), confusion)


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 of the classes present."""
    return mean_present(f1_scores(confusion), confusion)


def g_mean(confusion: np.ndarray) -> float:
    """Geometric mean of the recalls of the classes present (Kubat and Matwin 1997); 0 if one of them is never found."""
    present = confusion.sum(axis=1) > 0
    if not present.any():
        return float("nan")
    found = recalls(confusion)[present]
    return float(np.exp(np.log(found).mean())) if (found > 0).all() else 0.0


def worst_recall(confusion: np.ndarray) -> float:
    """Smallest recall of the classes present."""
    present = confusion.sum(axis=1) > 0
    return float(recalls(confusion)[present].min()) if present.any() else float("nan")


def minority_recall(confusion: np.ndarray, counts: np.ndarray | None = None) -> float:
    """Mean recall of the smallest classes by `counts` [C] (default: rows of the confusion matrix), of those present."""
    support = confusion.sum(axis=1)
    counts = support if counts is None else np.asarray(counts)
    present = support > 0
    if not present.any():
        return float("nan")
    return float(recalls(confusion)[present & (counts == counts[present].min())].mean())


def mcc(confusion: np.ndarray) -> float:
    """Matthews correlation, for any number of classes (Gorodkin 2004); NaN if all labels or all decisions are alike."""
    true, called = (confusion.sum(axis=axis).astype(np.float64) for axis in (1, 0))
    rows = true.sum()
    spread = (rows**2 - (true**2).sum()) * (rows**2 - (called**2).sum())
    return float(ratio(np.trace(confusion) * rows - true @ called, np.sqrt(max(spread, 0.0))))


def miss_rate(confusion: np.ndarray, positive: int) -> float:
    """1 - recall of the positive class."""
    return float(1.0 - recalls(confusion)[positive])


def false_alarm_rate(confusion: np.ndarray, positive: int) -> float:
    """Share of the rows of other classes called positive; with two classes, 1 - recall of the negative class."""
    others = np.delete(confusion, positive, axis=0)
    return float(ratio(others[:, positive].sum(), others.sum()))


def operating_points(positives: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What calling every row with a score >= t positive gives, for each distinct score t, from the highest down.

    Args:
        positives: bool [n]
        scores: float [n], finite

    Returns:
        the distinct scores [k], true positives int64 [k], false positives int64 [k]
    """
    order = np.argsort(scores)[::-1]
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])  # where a run of equal scores ends
    hits = np.cumsum(positives[order], dtype=np.int64)[last]
    return ranked[last], hits, last + 1 - hits


def roc_auc(positives: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive row has a higher score than another, ties half.

    NaN without rows of both sorts, or where a score is not finite. Arguments as `operating_points`.
    """
    if positives.all() or not positives.any() or not np.isfinite(scores).all():
        return float("nan")
    _, hits, alarms = operating_points(positives, scores)
    area = np.diff(alarms, prepend=0) @ (hits + np.append(0, hits[:-1]))  # twice the area, in rows
    return float(area / (2 * hits[-1] * alarms[-1]))


def average_precision(positives: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve as a sum of steps: sum_k (recall_k - recall_(k-1)) precision_k.

    NaN without a positive row, or where a score is not finite. Arguments as `operating_points`.
    """
    if not positives.any() or not np.isfinite(scores).all():
        return float("nan")
    _, hits, alarms = operating_points(positives, scores)
    return float((np.diff(hits, prepend=0) * hits / (hits + alarms)).sum() / hits[-1])


def one_vs_rest(
    area: Callable[[np.ndarray, np.ndarray], float],
    labels: np.ndarray,
    probabilities: np.ndarray,
    positive: int | None,
) -> float:
    """An area of the positive class of two; else its mean over the classes present, each against the rest.

    Args:
        area: `roc_auc` or `average_precision`
        labels: int [n]
        probabilities: float [n, C]
        positive: the positive class of a two-class problem, or None
    """
    if positive is not None and probabilities.shape[1] == 2:
        return area(labels == positive, probabilities[:, positive])
    present = np.unique(labels)
    values = [area(labels == code, probabilities[:, code]) for code in present]
    return float(np.mean(values)) if values else float("nan")


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean of -ln p(label), with p no smaller than the float type's epsilon; NaN without rows or where p is NaN."""
    if not len(labels):
        return float("nan")
    smallest = np.finfo(probabilities.dtype).eps
    chosen = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(chosen, smallest, 1.0)).mean())


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared error of the probabilities (Brier 1950): 0..1 for two classes, 0..2 for more, as in scikit-learn."""
    if not len(labels):
        return float("nan")
    error = probabilities.astype(np.float64)
    error[np.arange(len(labels)), labels] -= 1.0
    half = 0.5 if probabilities.shape[1] == 2 else 1.0
    return float(half * (error**2).sum(axis=1).mean())


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities float64 [n, C] of logits [n, C]."""
    logits = np.asarray(logits, dtype=np.float64)
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponent / exponent.sum(axis=1, keepdims=True)
