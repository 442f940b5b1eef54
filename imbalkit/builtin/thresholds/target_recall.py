"""A recall that must be reached."""

from __future__ import annotations

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.functional.thresholds import best_threshold, independent_rows, least_rows, reaches, recall_is_shown
from imbalkit.kinds import DataError, Threshold, ThresholdRows, param


class TargetRecall(Threshold):
    """The threshold that finds the given share of the positive class with the fewest false alarms.

    The recall of validation is itself an estimate: of models just at 0.9 there, about half are below it elsewhere. With
    `confidence` the one-sided lower bound of the recall (Clopper and Pearson 1934) must reach the target instead.
    """

    name = "target_recall"

    recall: float = param(0.9, help="least recall of the positive class on validation", gt=0, le=1)
    confidence: float | None = param(
        None,
        help="how sure to be of the recall: its lower confidence bound must reach the target (default: the recall itself "
        "must). Where samples have groups, a group counts as one row",
        gt=0.5,
        lt=1,
    )

    @model_validator(mode="after")
    def _can_be_shown(self) -> TargetRecall:
        if self.confidence is not None and self.recall == 1:
            raise PydanticCustomError(
                "recall", "no number of rows shows a recall of 1: leave `confidence` out, or aim lower"
            )
        return self

    def choose(self, rows: ThresholdRows) -> float:
        """The highest threshold that reaches the recall.

        Raises DataError without rows of both classes, or with too few to be so sure.
        """
        if self.confidence is None:
            return best_threshold(rows.positives, rows.probabilities, reaches(self.recall), rows.weights)
        truth = np.asarray(rows.positives, dtype=np.bool_)
        size = independent_rows(
            None if rows.weights is None else np.asarray(rows.weights)[truth],
            None if rows.groups is None else np.asarray(rows.groups)[truth],
            int(truth.sum()),
        )
        shortage = self.check_rows(int(size), 1)
        if shortage and 0 < truth.sum() < len(truth):
            raise DataError(shortage)
        return best_threshold(
            rows.positives, rows.probabilities, recall_is_shown(self.recall, self.confidence, size), rows.weights
        )

    def check_rows(self, positives: int, negatives: int) -> str | None:
        if self.confidence is None or positives >= (needed := least_rows(self.recall, self.confidence)):
            return None
        return (
            f"target_recall: to show a recall of {self.recall:g} at confidence {self.confidence:g} takes {needed:,} independent "
            f"positive validation rows (groups, where there are), all of them found; there are {positives:,}: aim lower, "
            "or validate on more"
        )
