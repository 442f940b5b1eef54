"""A rule that chooses the threshold, from validation rows only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import DataError, Threshold

if TYPE_CHECKING:
    import numpy as np


class Mine(Threshold):
    """Predicts as many rows positive as there are positive ones: precision and recall are then equal."""

    name = "mine"

    def choose(
        self,
        positives: np.ndarray,
        probabilities: np.ndarray,
        weights: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> float:
        """The probability from which on a row is predicted positive. Raises DataError for rows of one class alone."""
        import numpy as np

        weights = np.ones(len(positives)) if weights is None else weights
        if positives.all() or not positives.any():
            raise DataError(f"{self.name}: expected validation rows of both classes, got those of one")
        order = np.argsort(-probabilities, kind="stable")
        predicted = np.cumsum(weights[order])
        last = int(np.argmin(np.abs(predicted - weights[positives].sum())))
        return float(probabilities[order[last]])
