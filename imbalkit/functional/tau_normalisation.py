"""The weights of a linear head divided by a power of their length (Kang et al. 2020, section 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

_TINY = 1e-12  # a class whose weights are all 0 stays at 0


def tau_normalised(weight: np.ndarray, tau: float) -> np.ndarray:
    """w_c / |w_c|^tau of each class, float64 [C, F], from [C, F]; tau 0 leaves the weights, 1 makes all of one length."""
    weight = np.asarray(weight, dtype=np.float64)
    lengths = np.linalg.norm(weight, axis=1, keepdims=True)
    scaled: np.ndarray = weight / np.maximum(lengths, _TINY) ** tau
    return scaled


def recall_of_classes(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Recall of each class, float64 [C]; NaN for a class without rows. Labels and predictions are codes, int [n]."""
    rows = np.bincount(labels, minlength=classes).astype(np.float64)
    hits = np.bincount(labels[labels == predicted], minlength=classes)
    recall: np.ndarray = np.divide(hits, rows, out=np.full(classes, np.nan), where=rows > 0)
    return recall


def best_of(
    values: Sequence[float], logits: Callable[[float], np.ndarray], labels: np.ndarray
) -> tuple[float, list[float]]:
    """The value of highest balanced accuracy, the first of equal ones, and the balanced accuracy of each.

    Args:
        values: that are tried, in order
        logits: gives logits [n, C] of a value
        labels: codes, int [n], n > 0; classes without rows do not count
    """
    found = []
    for value in values:
        tried = logits(value)
        found.append(float(np.nanmean(recall_of_classes(labels, tried.argmax(axis=1), tried.shape[1]))))
    return values[int(np.argmax(found))], found
