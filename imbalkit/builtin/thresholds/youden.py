"""Youden's index."""

from __future__ import annotations

import numpy as np

from imbalkit.functional.thresholds import best_threshold
from imbalkit.kinds import Threshold


class Youden(Threshold):
    """The threshold of largest recall - false alarm rate (Youden 1950), which is that of best balanced accuracy."""

    name = "youden"

    def choose(
        self,
        positives: np.ndarray,
        probabilities: np.ndarray,
        weights: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> float:
        """Of several, the one with the fewest false alarms. Raises DataError without rows of both classes."""
        # Whole numbers, so that ties are exact: (TP / P - FP / N) times P N.
        return best_threshold(positives, probabilities, lambda hits, alarms, p, n: hits * n - alarms * p, weights)
