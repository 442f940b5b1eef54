"""The nearest class mean as a linear head (Mensink et al. 2013; Kang et al. 2020, section 4.2)."""

from __future__ import annotations

import numpy as np


def class_means(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Mean of each class's rows, float64 [C, F]; NaN for a class without rows.

    Args:
        features: float [n, F]
        labels: codes, int [n]
        classes: how many there are
    """
    features = np.asarray(features, dtype=np.float64)
    return np.stack([_mean(features[labels == label]) for label in range(classes)])


def _mean(rows: np.ndarray) -> np.ndarray:
    return rows.mean(axis=0) if len(rows) else np.full(rows.shape[1], np.nan)


def euclidean_head(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights [C, F] and bias [C] whose logits are -|h - mean_c|^2 / 2 but for the part that all classes share."""
    return means, -0.5 * (means**2).sum(axis=1)
