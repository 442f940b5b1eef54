"""Oversampling by views: copies of a class's rows, each with operations such as a quarter turn and a blur."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from imbalkit.kinds import (
    ClassName,
    Counts,
    FinalCounts,
    OpRef,
    PlanError,
    PriorShift,
    Sampler,
    label_of,
    param,
    rows_text,
    spread,
)

if TYPE_CHECKING:
    from imbalkit.kinds import Plan, View


def _is_list(value: Any) -> Any:
    if not isinstance(value, list):
        got = repr(value)[:80]
        message = "a view is a list of operations, such as [horizontal_flip, radial_blur]; got {got}"
        raise PydanticCustomError("view", message, {"got": got})
    return value


ViewOps = Annotated[list[OpRef], BeforeValidator(_is_list)]


class Oversample(Sampler):
    """Adds copies of the named classes' rows, each with the operations of a view on top of those the row already has.

    Without a target each row gets one copy of each view. With one, copies are spread evenly over rows and views: no
    (row, view) pair is used again before all have been used. The scheme of Gilal et al. 2023 is benign [[flip, blur]]
    and malignant [[turn 90, blur], [turn -90, blur], [flip, blur]].
    """

    name = "oversample"

    views: Annotated[dict[ClassName, Annotated[list[ViewOps], Field(min_length=1)]], Field(min_length=1)] = param(
        help="for each class to copy, a list of views; a view is a list of operations, applied in order"
    )
    to: FinalCounts | None = param(
        None, help="final counts by class (default: as many copies of each row as the class has views)", unit="rows"
    )

    @model_validator(mode="after")
    def _targets_have_views(self) -> Oversample:
        missing = [name for name in self.to or {} if name not in self.views]
        if missing:
            raise PydanticCustomError(
                "no_views", "class {name} has a final count in `to` but no list in `views`", {"name": repr(missing[0])}
            )
        return self

    def preview(self, counts: Counts) -> Counts:
        """Raises PlanError if a class has more rows than asked for, or none to copy."""
        changes = {}
        for label, name in self._labels(counts.classes):
            low, high = counts.low[label], counts.high[label]
            if not high:
                raise PlanError(
                    f"{self.name}: class {name!r} has no rows to copy; leave it out of `views`, or correct the split"
                )
            target = (self.to or {}).get(name)
            if target is not None and target < low:
                raise PlanError(
                    f"{self.name}: class {name!r} has {rows_text(low, high)}, asked for {target:,}, and "
                    f"{self.name} never drops one; ask for at least {low:,}"
                )
            times = 1 + len(self.views[name])
            changes[label] = (low * times, high * times) if target is None else (target, target)
        return counts.with_rows(changes)

    def resample(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """Raises PlanError if a class has more rows than asked for, or none to copy."""
        before, after = plan.counts(), self.preview(Counts.of(plan)).low
        views: list[View] = []
        rows, which = [], []
        for label, name in self._labels(plan.classes):
            own: list[View] = [tuple(view) for view in self.views[name]]
            row, view = spread(plan.rows_of(label), len(own), after[label] - before[label], rng)
            rows.append(row)
            which.append(view + np.uint16(len(views)))
            views.extend(own)
        return plan.append(np.concatenate(rows), views, np.concatenate(which))

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        if not any(view for views in self.views.values() for view in views):
            return PriorShift.of_counts(before, after, True, "copies rows unchanged, at random within a class")
        every = [list(self.views.get(name, [])) for name in before.classes]
        if self.to is None and all(views == every[0] for views in every):
            return PriorShift.of_counts(before, after, True, "gives every class the same copies")
        return PriorShift.of_counts(
            before,
            after,
            False,
            "copies are changed pictures: a network can tell them from the rows, which keep the old prior",
        )

    def _labels(self, classes: tuple[str, ...]) -> list[tuple[int, str]]:
        # By label, so that the order in the recipe decides nothing.
        return sorted((label_of(name, classes, self.name), name) for name in self.views)
