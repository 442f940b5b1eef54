"""Oversampling to counts that follow a power of the class sizes."""

import numpy as np
from imbalkit.kinds import Counts, PlanError, PriorShift, Sampler, param


class PowerOver(Sampler):
    """Copies rows until class counts are in proportion to n^power; the majority keeps its own.

    Kang et al. 2020 draw a class with probability n^q / sum n^q: q = 1 as it is, 1/2 square-root sampling, 0 all equal.
    """

    name = "power_over"
    power: float = param(0.5, help="q: 1 copies nothing, 0 makes every class as large as the majority", ge=0, le=1)

    def preview(self, counts):
        """Raises PlanError for a class without rows."""
        if not all(counts.high):
            empty = counts.classes[counts.high.index(0)]
            raise PlanError(f"{self.name}: class {empty!r} has no rows to copy; leave the class out, or fix the split")
        low, high = ([self._final(n, bound[counts.majority]) for n in bound] for bound in (counts.low, counts.high))
        return counts.with_rows(dict(enumerate(zip(low, high, strict=True))))

    def prior_shift(self, before, after):
        return PriorShift.of_counts(before, after, exact=True, why="copies rows at random within a class")

    def resample(self, plan, rng):
        """Raises PlanError for a class without rows."""
        copies = [
            rng.choice(plan.rows_of(label), after - before)
            for label, (before, after) in enumerate(zip(plan.counts(), self.preview(Counts.of(plan)).low, strict=True))
        ]
        return plan.append(np.concatenate(copies))

    def _final(self, rows, majority):
        return max(rows, round(majority * (rows / majority) ** self.power)) if majority else rows
