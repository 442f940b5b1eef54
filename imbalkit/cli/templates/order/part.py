"""Which rows an epoch visits."""

from __future__ import annotations

import numpy as np

from imbalkit.kinds import ClassShareOrder, param


class Mine(ClassShareOrder):
    """Visits a class in proportion to its rows, but none less often than a floor says."""

    name = "mine"
    floor: float = param(
        0.05, help="smallest share of an epoch that a class has, before all are scaled to 1", ge=0, le=1
    )

    def shares(self, counts: np.ndarray, progress: float) -> np.ndarray:
        return np.maximum(counts / counts.sum(), self.floor)
