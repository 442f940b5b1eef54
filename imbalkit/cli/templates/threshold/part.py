"""A rule that chooses the threshold, from validation rows only."""

from __future__ import annotations

from imbalkit.kinds import DataError, Threshold, ThresholdRows


class Mine(Threshold):
    """Predicts as many rows positive as there are positive ones: precision and recall are then equal."""

    name = "mine"

    def choose(self, rows: ThresholdRows) -> float:
        """The probability from which on a row is predicted positive. Raises DataError for rows of one class alone."""
        import numpy as np

        positives, probabilities = rows.positives, rows.probabilities
        weights = np.ones(len(positives)) if rows.weights is None else rows.weights
        if positives.all() or not positives.any():
            raise DataError(f"{self.name}: expected validation rows of both classes, got those of one")
        order = np.argsort(-probabilities, kind="stable")
        predicted = np.cumsum(weights[order])
        last = int(np.argmin(np.abs(predicted - weights[positives].sum())))
        return float(probabilities[order[last]])
