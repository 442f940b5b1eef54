"""The best geometric mean."""

from __future__ import annotations

from imbalkit.functional.thresholds import best_threshold
from imbalkit.kinds import Threshold, ThresholdRows


class BestGMean(Threshold):
    """The threshold of largest G-mean, the geometric mean of both recalls."""

    name = "best_g_mean"

    def choose(self, rows: ThresholdRows) -> float:
        """Of several, the one with the fewest false alarms. Raises DataError without rows of both classes."""
        # Whole numbers, so that ties are exact: TP / P times TN / N times P N.
        return best_threshold(
            rows.positives, rows.probabilities, lambda hits, alarms, p, n: hits * (n - alarms), rows.weights
        )
