"""A recall that must be reached."""

from __future__ import annotations

import numpy as np

from imbalkit.functional.thresholds import best_threshold
from imbalkit.kinds import Threshold, param


class TargetRecall(Threshold):
    """The threshold that finds the given share of the positive class with the fewest false alarms."""

    name = "target_recall"

    recall: float = param(0.9, help="least recall of the positive class on validation", gt=0, le=1)

    def choose(self, positives: np.ndarray, probabilities: np.ndarray) -> float:
        """The highest threshold that reaches the recall. Raises DataError without rows of both classes."""
        return best_threshold(positives, probabilities, lambda hits, alarms, p, n: hits / p >= self.recall)
