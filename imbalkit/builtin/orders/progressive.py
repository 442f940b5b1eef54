"""From natural to balanced."""

from __future__ import annotations

import numpy as np

from imbalkit.kinds.orders import ClassShareOrder


class Progressive(ClassShareOrder):
    """Visits classes as often as they are in the first epoch and equally often in the last, in between a straight mix:
    (1 - t) N_c / N + t / C. Kang et al. 2020, eq. 2."""

    name = "progressive"

    def shares(self, counts: np.ndarray, progress: float) -> np.ndarray:
        return (1 - progress) * counts / counts.sum() + progress * (counts > 0) / (counts > 0).sum()
