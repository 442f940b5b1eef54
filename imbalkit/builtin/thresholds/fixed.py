"""A threshold that is given."""

from __future__ import annotations

import numpy as np

from imbalkit.kinds import Threshold, param


class Fixed(Threshold):
    """The given probability, whatever the validation rows say."""

    name = "fixed"

    value: float = param(0.5, help="a row is called positive from this probability on", ge=0, le=1)

    @property
    def needs_rows(self) -> bool:
        return False

    def choose(
        self,
        positives: np.ndarray,
        probabilities: np.ndarray,
        weights: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> float:
        """The value."""
        return float(self.value)
