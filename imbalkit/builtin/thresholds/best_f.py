"""The best F score."""

from __future__ import annotations

from imbalkit.functional.thresholds import best_threshold, f_score
from imbalkit.kinds import Threshold, ThresholdRows, param


class BestF(Threshold):
    """The threshold of largest F score of the positive class, which weighs recall `beta` times as much as precision."""

    name = "best_f"

    beta: float = param(1.0, help="weight of recall against precision: 2 for F2, which punishes misses", gt=0)

    def choose(self, rows: ThresholdRows) -> float:
        """Of several, the one with the fewest false alarms. Raises DataError without rows of both classes."""
        return best_threshold(rows.positives, rows.probabilities, f_score(self.beta), rows.weights)
