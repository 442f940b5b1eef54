"""Drops rows of the larger classes at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Counts, Plan, PlanError, PriorShift, Sampler, param

if TYPE_CHECKING:
    import numpy as np


class Mine(Sampler):
    """Leaves no class with more than `times` as many rows as the smallest one has."""

    name = "mine"
    times: float = param(4.0, help="largest class / smallest class afterwards", ge=1)

    def preview(self, counts: Counts) -> Counts:
        """The class counts afterwards. Raises PlanError for a class without rows."""
        if not all(counts.high):
            empty = counts.classes[counts.high.index(0)]
            raise PlanError(f"{self.name}: class {empty!r} has no rows; leave the class out, or fix the split")
        low, high = ([min(n, int(self.times * min(bound))) for n in bound] for bound in (counts.low, counts.high))
        return counts.with_rows(dict(enumerate(zip(low, high, strict=True))))

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        return PriorShift.of_counts(before, after, exact=True, why="drops rows at random within a class")

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        import numpy as np

        remaining = self.preview(Counts.of(plan)).low
        rows = [plan.rows_of(label) for label in range(len(plan.classes))]
        chosen = [rng.choice(own, count, replace=False) for own, count in zip(rows, remaining, strict=True)]
        return plan.select(np.concatenate(chosen))
