"""Classes by their rows over their effective number."""

from __future__ import annotations

import numpy as np

from imbalkit.functional.class_draws import effective_number
from imbalkit.kinds import param
from imbalkit.kinds.orders import ClassShareOrder


class Effective(ClassShareOrder):
    """Visits a class in proportion to N_c / E_c, with E_c = (1 - b^N_c) / (1 - b) its effective number of rows.

    Cui et al. 2019, eq. 2. b = 0 visits classes as often as they are, b near 1 all equally often.
    """

    name = "effective"
    beta: float = param(0.9999, help="b: 1 - 1 / (number of rows beyond which more of a class add nothing)", ge=0, lt=1)

    def shares(self, counts: np.ndarray, progress: float) -> np.ndarray:
        return counts / effective_number(np.maximum(counts, 1), self.beta)
