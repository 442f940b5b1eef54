"""Random oversampling: identical copies of the smaller classes' rows."""

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
    rows_text,
    spread,
)

if TYPE_CHECKING:
    from imbalkit.kinds import Plan

_TO = one_of(
    "'majority', a number of rows, or a mapping from classes to numbers of rows",
    words=["majority"],
    number=FinalCount,
    mapping=FinalCounts,
)


class RandomOver(Sampler):
    """Copies rows of the smaller classes until they have the final count. It never drops a row.

    Rows are drawn in shuffled cycles, not with replacement: each row of a class is copied equally often, or once more.
    So no row is left out at random, at the same counts as imbalanced-learn's RandomOverSampler.
    """

    name = "random_over"

    to: Annotated[Literal["majority"] | FinalCount | FinalCounts, _TO] = param(
        "majority",
        help="final count: of the majority class for every class with fewer rows, a number for every class with fewer, "
        "or a number for each class named",
        unit="rows",
    )

    def preview(self, counts: Counts) -> Counts:
        """Raises PlanError if a class has more rows than asked for, or none to copy."""
        every = range(len(counts.classes))
        if isinstance(self.to, dict):
            goals = {label_of(name, counts.classes, self.name): (count, count) for name, count in self.to.items()}
            checked = goals
        elif self.to == "majority":
            goals = dict.fromkeys(every, (counts.low[counts.majority], counts.high[counts.majority]))
            checked = {}
        else:
            goals = dict.fromkeys(every, (self.to, self.to))
            checked = {int(np.argmin(counts.low)): goals[0]}  # a number that even the smallest class exceeds
        for label, (goal, _) in checked.items():
            self._refuse_fewer(counts, label, goal)
        changes = {}
        for label, (low, high) in goals.items():
            if not counts.high[label] and low:
                raise PlanError(
                    f"{self.name}: class {counts.classes[label]!r} has no rows to copy (asked: {low:,}); "
                    "leave it out by naming the other classes in `to`, or correct the split"
                )
            changes[label] = (
                (low, high)
                if isinstance(self.to, dict)
                else (max(low, counts.low[label]), max(high, counts.high[label]))
            )
        return counts.with_rows(changes)

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """Raises PlanError if a class has more rows than asked for, or none to copy."""
        before, after = plan.counts(), self.preview(Counts.of(plan)).low
        copies = [
            spread(plan.rows_of(label), 1, after[label] - before[label], rng)[0]
            for label in range(len(before))
            if after[label] > before[label]
        ]
        return plan.append(np.concatenate(copies)) if copies else plan

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        return PriorShift.of_counts(before, after, True, "copies rows at random within a class")

    def _refuse_fewer(self, counts: Counts, label: int, goal: int) -> None:
        if goal < counts.low[label]:
            available = rows_text(counts.low[label], counts.high[label])
            raise PlanError(
                f"{self.name}: class {counts.classes[label]!r} has {available}, asked for {goal:,}, and "
                f"{self.name} never drops one; ask for at least {counts.low[label]:,}, or use random_under"
            )
