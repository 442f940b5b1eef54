"""Cleaning by rank: train for some epochs, rank the rows by a score, drop those at one end, and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from imbalkit.builtin.samplers.dropping import Dropping
from imbalkit.kinds import Counts, PriorShift, ScoredSampler, checked_scores, highest, param

if TYPE_CHECKING:
    from imbalkit.kinds import Plan


class LossRank(Dropping, ScoredSampler):
    """Drops the rows of highest (or lowest) score in each round; of equal scores the lowest row keys go first.

    Gilal et al. 2023 train for 4 epochs with cross entropy and drop the benign rows of highest loss: `which: highest`.
    """

    name = "loss_rank"

    which: Literal["highest", "lowest"] = param(help="whether rows of highest or of lowest score are dropped")

    def preview(self, counts: Counts, round: int = 0) -> Counts:
        """Raises PlanError for more rows to drop or keep than there are, no row left, no such round."""
        return self.after_round(counts, round)

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        return PriorShift.of_counts(before, after, False, "drops rows by their image: hard or easy ones go")

    def resample(self, plan: Plan, scores: np.ndarray, rng: np.random.Generator, round: int = 0) -> Plan:
        """Raises PlanError as `preview`, and for scores of another shape or with NaN among them."""
        scores = checked_scores(scores, len(plan), self.name)
        after = self.after_round(Counts.of(plan), round)
        if self.which == "lowest":
            scores = -scores
        if self.ranks_together:
            assert after.total is not None  # as the counts before are exact
            return plan.drop(highest(scores, plan.key, len(plan) - after.total))
        dropped = [np.zeros(0, dtype=np.int64)]
        for label, count in enumerate(plan.counts()):
            if after.low[label] < count:
                rows = plan.rows_of(label)
                dropped.append(rows[highest(scores[rows], plan.key[rows], count - after.low[label])])
        return plan.drop(np.concatenate(dropped))
