"""Drops the rows that look least like their class. The engine computes features; this part only compares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Counts, FeatureSampler, Plan, PlanError, checked_features, highest, param

if TYPE_CHECKING:
    import numpy as np


class Mine(FeatureSampler):
    """Drops `share` of the majority's rows, those farthest from the mean of its features; ties break by row key."""

    name = "mine"
    share: float = param(0.1, help="share of the majority's rows that goes", gt=0, lt=1)

    def preview(self, counts: Counts) -> Counts:
        """Class counts afterwards, given those before. Raises PlanError where the class has no rows."""
        low, high = (
            rows - int(self.share * rows) for rows in (counts.low[counts.majority], counts.high[counts.majority])
        )
        if not low:
            raise PlanError(f"{self.name}: class {counts.classes[counts.majority]!r} has no rows to drop")
        return counts.with_rows({counts.majority: (low, high)})

    def resample(self, plan: Plan, features: np.ndarray, rng: np.random.Generator) -> Plan:
        self.preview(Counts.of(plan))
        features = checked_features(features, len(plan), self.name)  # PlanError for NaN, or for another number of rows
        rows = plan.rows_of(plan.majority)
        away = ((features[rows] - features[rows].mean(axis=0, dtype="float64")) ** 2).sum(axis=1)
        return plan.drop(rows[highest(away, plan.key[rows], int(self.share * len(rows)))])
