"""What samplers of imbalanced-learn that pick rows have in common: they are given the features of a plan's rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from imbalkit.kinds import Counts, FeatureSampler, PlanError, checked_features, rows_text

if TYPE_CHECKING:
    from imbalkit.kinds import Plan


class RowPicker(FeatureSampler):
    """A method of imbalanced-learn that drops rows of the plan, or copies them."""

    requires: ClassVar[Mapping[str, str]] = {"imblearn": "imbalkit[imblearn]"}

    def picker(self, before: Counts, after: Counts, rng: np.random.Generator) -> Any:
        """imbalanced-learn's sampler for exact counts before, and what `preview` makes of them; None: all rows stay."""
        raise NotImplementedError  # each picker writes its own

    def picked(self, picker: Any, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Positions of the rows that imbalanced-learn's sampler picks, int [m]; one that is copied is there again."""
        with warnings.catch_warnings():
            # NearMiss, version 3: the preview's range has said so.
            warnings.filterwarnings("ignore", message="The number of the samples to be selected is larger")
            picker.fit_resample(features, labels)
        return np.asarray(picker.sample_indices_)

    def resample(self, plan: Plan, features: np.ndarray, rng: np.random.Generator) -> Plan:
        """Raises PlanError as `preview`, for features that are not finite or of another shape, and if a class loses every row."""
        features, before = checked_features(features, len(plan), self.name), Counts.of(plan)
        picker = self.picker(before, self.preview(before), rng)
        if picker is None:
            return plan
        order = np.argsort(plan.key)  # so that ties do not hang on the order of the plan
        rows = order[self.picked(picker, features[order], plan.label[order].astype(np.int64))]
        after = _with(plan, rows)
        for name, had, left in zip(plan.classes, plan.counts(), after.counts(), strict=True):
            if had and not left:
                raise PlanError(
                    f"{self.name}: class {name!r} would lose all of its {rows_text(had, had)}: none lies among its own "
                    "class; leave the class out of `sampling_strategy`, or compare by other features (`backbone`)"
                )
        return after


def _with(plan: Plan, rows: np.ndarray) -> Plan:
    """The plan with only these rows (positions), copied where they are there several times."""
    kept, times = np.unique(rows, return_counts=True)
    dropped = np.ones(len(plan), dtype=np.bool_)
    dropped[kept] = False
    return plan.append(np.repeat(kept, times - 1)).drop(np.flatnonzero(dropped))


def present_classes(counts: Counts, sampler: str) -> list[int]:
    """Labels of the classes that may have rows. Raises PlanError for fewer than two: there is nothing to compare."""
    present = [label for label, high in enumerate(counts.high) if high]
    if len(present) < 2:
        raise PlanError(f"{sampler}: expected rows of two classes or more to compare, got {len(present)} with any")
    return present
