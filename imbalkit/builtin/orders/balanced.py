"""All classes equally often."""

from __future__ import annotations

import numpy as np

from imbalkit.kinds.orders import ClassShareOrder


class Balanced(ClassShareOrder):
    """Visits all classes equally often, the rows of each in turn (class-aware sampling). Shen et al. 2016; Kang et al. 2020."""

    name = "balanced"

    def shares(self, counts: np.ndarray, progress: float) -> np.ndarray:
        return np.ones_like(counts)
