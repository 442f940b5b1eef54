"""Drops the rows that a partly trained model finds easiest. The engine trains and scores; this part only ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Counts, Plan, PlanError, ScoredSampler, checked_scores, highest, param

if TYPE_CHECKING:
    import numpy as np


class Mine(ScoredSampler):
    """Drops `share` of the majority's rows in each round, those of lowest score first; ties break by row key."""

    name = "mine"
    share: float = param(0.2, help="share of the majority's rows that a round drops", gt=0, lt=1)

    def preview(self, counts: Counts, round: int = 0) -> Counts:
        """Class counts after a round, given those before it. Raises PlanError where the class has no rows."""
        low, high = (
            rows - int(self.share * rows) for rows in (counts.low[counts.majority], counts.high[counts.majority])
        )
        if not low:
            raise PlanError(f"{self.name}: class {counts.classes[counts.majority]!r} has no rows to drop")
        return counts.with_rows({counts.majority: (low, high)})

    def resample(self, plan: Plan, scores: np.ndarray, rng: np.random.Generator, round: int = 0) -> Plan:
        self.preview(Counts.of(plan), round)
        scores = checked_scores(scores, len(plan), self.name)  # PlanError for NaN, or for another number of them
        rows = plan.rows_of(plan.majority)
        return plan.drop(rows[highest(-scores[rows], plan.key[rows], int(self.share * len(rows)))])
