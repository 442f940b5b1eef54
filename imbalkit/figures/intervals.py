"""Intervals of a share."""

from __future__ import annotations

from typing import Any

import numpy as np

Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution


def wilson(count: Any, total: Any, z: float = Z_95) -> tuple[np.ndarray, np.ndarray]:
    """Score interval of `count / total` (Wilson 1927), 95 % by default; broadcasts, NaN where `total` is 0.

    `count` need not be whole: the mean over repeated trainings on the same `total` samples is a count too.
    """
    count, total = np.asarray(count, dtype=np.float64), np.asarray(total, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = count / total
        middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
        half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    # Rounding must not leave 0..1, nor the share itself, at 0 and at 1.
    return np.where(share == 0, 0.0, middle - half), np.where(share == 1, 1.0, middle + half)
