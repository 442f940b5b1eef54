"""Any sampler of imbalanced-learn by its class name, as far as it picks rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.builtin.imbalanced_learn import (
    OPTIONS_HELP,
    built,
    class_problems,
    final_counts,
    known_samplers,
    makes_rows,
)
from imbalkit.builtin.samplers.row_picker import RowPicker, present_classes
from imbalkit.kinds import Counts, PlanError, PriorShift, param

_WHY = {
    "over-sampling": "copies rows within a class",
    "under-sampling": "keeps some rows of the larger classes, by their features",
    "clean-sampling": "drops rows by their features: those that lie among another class's",
}


class Imblearn(RowPicker):
    """A class of imbalanced-learn that drops or copies rows, such as OneSidedSelection, with its options.

    It is given the standardised features of the plan's rows, in the order of their keys, and its `sample_indices_` become the
    plan; `random_state` follows from the recipe's seed. In `sampling_strategy` classes have their names. What it keeps may hang
    on the features, so that the class prior is not restored by the counts; `random_over` and `random_under` restore it so.
    """

    name = "imblearn"

    sampler: str = param(help="class of imbalanced-learn, such as OneSidedSelection or AllKNN", min_length=1)
    options: dict[str, Any] = param({}, help=OPTIONS_HELP)

    @property
    def stages(self) -> tuple[str, ...]:
        return (f"{self.name} {self.sampler}",)

    def check_classes(self, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        return class_problems(self.options, classes)

    def preview(self, counts: Counts) -> Counts:
        """Raises PlanError for an unknown class or option, a class that makes new rows, and fewer than two classes with rows."""
        if not known_samplers():  # not installed: check_requirements says so
            return counts.with_rows({label: (0, high) for label, high in enumerate(counts.high)})
        sampler = self.build(counts.classes)
        present = present_classes(counts, self.name)
        if not counts.is_exact:
            return counts.with_rows(self._bounds(sampler, counts))
        goals = final_counts(self.name, sampler, counts.low)
        if self.sampler not in ("RandomOverSampler", "RandomUnderSampler"):
            # Every class: a method that cleans repeatedly reads a word such as `majority` anew each time.
            return counts.with_rows({label: (0, counts.high[label]) for label in present})
        return counts.with_rows({label: (goal, goal) for label, goal in goals.items()})

    def _bounds(self, sampler: Any, counts: Counts) -> dict[int, tuple[int, int]]:
        """Of class counts that are not known before training."""
        if sampler._sampling_type != "over-sampling":
            return {label: (0, high) for label, high in enumerate(counts.high)}
        strategy = sampler.sampling_strategy
        asked = strategy.values() if isinstance(strategy, dict) else ()
        most = max([*counts.high, *(rows for rows in asked if isinstance(rows, int))])
        return {label: (counts.low[label], most) for label, high in enumerate(counts.high) if high}

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        kind = getattr(known_samplers().get(self.sampler), "_sampling_type", "")
        why = _WHY.get(kind, "which rows stay may depend on their features")
        return PriorShift.of_counts(before, after, False, f"{self.sampler} {why}")

    def picker(self, before: Counts, after: Counts, rng: np.random.Generator) -> Any:
        return self.build(before.classes, int(rng.integers(2**31)))

    def picked(self, picker: Any, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        try:
            rows = super().picked(picker, features, labels)
        except Exception as error:  # many types; all say that these rows are too few, or not to be compared so
            raise PlanError(
                f"{self.name}: {self.sampler} refuses these {len(labels):,} rows: {type(error).__name__}: {error}"
            ) from error
        return rows

    def build(self, classes: tuple[str, ...], seed: int | None = None) -> Any:
        """imbalanced-learn's sampler for class codes. Raises PlanError for what it does not know or take, or makes new rows."""
        kind = known_samplers().get(self.sampler)
        if kind is not None and (makes_rows(kind) or self.options.get("shrinkage") is not None):
            raise PlanError(
                f"{self.name}: {self.sampler} makes new rows, and a plan holds rows of the data: make them of the features under "
                f"the head, with `stages: [{{name: imblearn, sampler: {self.sampler}}}]`"
            )
        return built(self.name, self.sampler, self.options, classes, seed)
