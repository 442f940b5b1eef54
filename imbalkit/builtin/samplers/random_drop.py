"""The control for `loss_rank`: as many rows of the same classes go, but chosen at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import WrapValidator

from imbalkit.builtin.samplers.dropping import Dropping
from imbalkit.kinds import (
    BackboneRef,
    Counts,
    LossRef,
    OrderRef,
    PriorShift,
    Sampler,
    ScoredSampler,
    ScoreRef,
    param,
    random_rows,
)

if TYPE_CHECKING:
    from imbalkit.kinds import Plan


def _or_none(value: Any, handler: Callable[[Any], Any]) -> Any:
    return None if value is None else handler(value)


_UNUSED = "not used: accepted so that `loss_rank` and `random_drop` can be swapped by name alone"


class RandomDrop(Dropping, Sampler):
    """Drops rows at random, with the parameters of `loss_rank` and no training: rounds follow each other at once."""

    name = "random_drop"
    renamed = ScoredSampler.renamed

    which: Literal["highest", "lowest"] | None = param(None, help=_UNUSED)
    score: Annotated[ScoreRef, WrapValidator(_or_none)] = param(None, help=_UNUSED)
    loss: Annotated[LossRef, WrapValidator(_or_none)] = param(None, help=_UNUSED)
    backbone: Annotated[BackboneRef, WrapValidator(_or_none)] = param(None, help=_UNUSED)
    order: Annotated[OrderRef, WrapValidator(_or_none)] = param(None, help=_UNUSED)
    epochs: int | None = param(None, help=_UNUSED, unit="epochs", ge=1)
    scores_from: Literal["pass", "last_epoch"] | None = param(None, help=_UNUSED)
    warm_start: bool | None = param(None, help=_UNUSED)

    def preview(self, counts: Counts) -> Counts:
        """Class counts after all rounds. Raises PlanError for more rows than there are, or if no row would be left."""
        for round in range(self.rounds):
            counts = self.after_round(counts, round)
        return counts

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        return PriorShift.of_counts(before, after, True, "drops rows at random within a class")

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """The plan after all rounds. Raises PlanError as `preview` does."""
        for round in range(self.rounds):
            after = self.after_round(Counts.of(plan), round)
            if self.ranks_together:
                assert after.total is not None  # as the counts before are exact
                dropped = [random_rows(np.arange(len(plan)), len(plan) - after.total, rng)]
            else:
                dropped = [
                    random_rows(plan.rows_of(label), count - after.low[label], rng)
                    for label, count in enumerate(plan.counts())
                    if count > after.low[label]
                ]
            plan = plan.drop(np.concatenate([np.zeros(0, dtype=np.int64), *dropped]))
        return plan
