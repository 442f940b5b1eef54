"""Classes by a power of their rows."""

from __future__ import annotations

import numpy as np

from imbalkit.kinds import param
from imbalkit.kinds.orders import ClassShareOrder


class Power(ClassShareOrder):
    """Visits a class in proportion to N_c^q, N_c its rows. Kang et al. 2020, eq. 1; q = 0.5 is square-root sampling."""

    name = "power"
    q: float = param(0.5, help="exponent: 1 visits classes as often as they are, 0 all equally often", ge=0, le=1)

    def shares(self, counts: np.ndarray, progress: float) -> np.ndarray:
        return counts**self.q
