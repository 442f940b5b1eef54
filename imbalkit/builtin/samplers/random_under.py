"""Random undersampling: drop rows of the larger classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from imbalkit.kinds import (
    Counts,
    FinalCount,
    FinalCounts,
    PlanError,
    PriorShift,
    Sampler,
    label_of,
    one_of,
    param,
    random_rows,
    rows_text,
)

if TYPE_CHECKING:
    from imbalkit.kinds import Plan

_TO = one_of(
    "'minority', a number of rows, or a mapping from classes to numbers of rows",
    words=["minority"],
    number=FinalCount,
    mapping=FinalCounts,
)


class RandomUnder(Sampler):
    """Drops rows of the larger classes, chosen at random without replacement, until they have the final count."""

    name = "random_under"

    to: Annotated[Literal["minority"] | FinalCount | FinalCounts, _TO] = param(
        "minority",
        help="final count: of the smallest class for every class, a number for every class with more rows, "
        "or a number for each class named",
        unit="rows",
    )

    def preview(self, counts: Counts) -> Counts:
        """Raises PlanError if a class has fewer rows than asked for, or none."""
        if isinstance(self.to, dict):
            goals = {label_of(name, counts.classes, self.name): count for name, count in self.to.items()}
            for label, count in goals.items():
                self._refuse_more(counts, label, count)
            return counts.with_rows({label: (count, count) for label, count in goals.items()})
        if self.to == "minority":
            empty = [name for name, high in zip(counts.classes, counts.high, strict=True) if not high]
            if empty:
                raise PlanError(
                    f"{self.name}: class {empty[0]!r} has no rows, so cutting to the smallest class leaves "
                    "nothing to train on; give `to` a number, or correct the split"
                )
            goal = (min(counts.low), min(counts.high))
        else:
            self._refuse_more(counts, int(np.argmax(counts.high)), self.to)
            goal = (self.to, self.to)
        bounds = zip(counts.low, counts.high, strict=True)
        return counts.with_rows(
            {label: (min(low, goal[0]), min(high, goal[1])) for label, (low, high) in enumerate(bounds)}
        )

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """Raises PlanError if a class has fewer rows than asked for, or none."""
        before, after = plan.counts(), self.preview(Counts.of(plan)).low
        dropped = [
            random_rows(plan.rows_of(label), before[label] - after[label], rng)
            for label in range(len(before))
            if after[label] < before[label]
        ]
        return plan.drop(np.concatenate(dropped)) if dropped else plan

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        return PriorShift.of_counts(before, after, True, "drops rows at random within a class")

    def _refuse_more(self, counts: Counts, label: int, goal: int) -> None:
        if goal > counts.high[label]:
            available = rows_text(counts.low[label], counts.high[label])
            raise PlanError(
                f"{self.name}: class {counts.classes[label]!r} has {available}, asked for {goal:,}; "
                f"ask for at most {counts.high[label]:,}, or use random_over or oversample"
            )
