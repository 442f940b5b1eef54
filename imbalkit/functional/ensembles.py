"""Means of several models' probabilities, and how much the models differ.

The mean of the probabilities is a proper way to combine models: its log loss is at most the mean of theirs (Jensen), and its
squared error is less than the mean of theirs by the variance of the models (Krogh and Vedelsby 1995).
"""

from __future__ import annotations

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities of logits [..., C], float64."""
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def log_mean(logits: np.ndarray, counted: np.ndarray | None = None) -> np.ndarray:
    """log of the mean over models of softmax(logits), float64 [n, C].

    Args:
        logits: of each model, float [M, n, C]
        counted: which models count for a row, bool [M, n] (default: all); a row without any is NaN
    """
    logs = log_softmax(logits)
    if counted is None:
        counted = np.ones(logs.shape[:2], dtype=bool)
    logs = np.where(counted[..., None], logs, -np.inf)
    count, top = counted.sum(axis=0), logs.max(axis=0)
    found = np.full(top.shape, np.nan)
    rows = count > 0
    sums = np.exp(logs[:, rows] - top[rows]).sum(axis=0)
    found[rows] = top[rows] + np.log(sums) - np.log(count[rows])[:, None]
    return found


def pairs(models: int) -> list[tuple[int, int]]:
    """Every pair of models, the first before the second."""
    return [(first, second) for first in range(models) for second in range(first + 1, models)]


def disagreement(decisions: np.ndarray) -> np.ndarray:
    """Share of rows that each pair of models decides otherwise (Skalak 1996), float64 [pairs], of decisions int [M, n]."""
    return np.array([float((decisions[a] != decisions[b]).mean()) for a, b in pairs(len(decisions))])


def score_correlation(scores: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each pair of models' scores, float64 [pairs], of scores float [M, n]; NaN for constant ones."""
    with np.errstate(invalid="ignore", divide="ignore"):
        matrix = np.atleast_2d(np.corrcoef(scores))
    return np.array([float(matrix[a, b]) for a, b in pairs(len(scores))])
