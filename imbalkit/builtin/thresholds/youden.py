"""Youden's index."""

from __future__ import annotations

from imbalkit.functional.thresholds import best_threshold
from imbalkit.kinds import Threshold, ThresholdRows


class Youden(Threshold):
    """The threshold of largest recall - false alarm rate (Youden 1950), which is that of best balanced accuracy."""

    name = "youden"

    def choose(self, rows: ThresholdRows) -> float:
        """Of several, the one with the fewest false alarms. Raises DataError without rows of both classes."""
        # Whole numbers, so that ties are exact: (TP / P - FP / N) times P N.
        return best_threshold(
            rows.positives, rows.probabilities, lambda hits, alarms, p, n: hits * n - alarms * p, rows.weights
        )
