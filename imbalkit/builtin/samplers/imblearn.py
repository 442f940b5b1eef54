"""Any sampler of imbalanced-learn by its class name: rows that it picks, or makes of a table's columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.builtin.imbalanced_learn import (
    OPTIONS_HELP,
    built,
    class_problems,
    final_counts,
    known_samplers,
    makes_rows,
    neighbours_problem,
)
from imbalkit.builtin.samplers.mixed_columns import MixedColumns
from imbalkit.builtin.samplers.row_picker import RowPicker, present_classes
from imbalkit.kinds import Counts, PlanError, PriorShift, listing, param

if TYPE_CHECKING:
    from imbalkit.kinds import Plan
    from imbalkit_lite.columns import ColumnEncoding

_EXACT = ("RandomOverSampler", "RandomUnderSampler", "SMOTE", "SMOTENC", "SMOTEN", "ClusterCentroids")
_CLEAN_AFTER = ("SMOTEENN", "SMOTETomek")
_FOR_CATEGORIES = ("SMOTENC", "SMOTEN")
_WHY = {
    "over-sampling": "copies rows within a class",
    "under-sampling": "keeps some rows of the larger classes, by their features",
    "clean-sampling": "drops rows by their features: those that lie among another class's",
}


class Imblearn(RowPicker):
    """A class of imbalanced-learn, such as OneSidedSelection, with its options.

    It is given the standardised features of the plan's rows, in the order of their keys, and its `sample_indices_` become the
    plan; `random_state` follows from the recipe's seed. In `sampling_strategy` classes have their names. What it keeps may hang
    on the features, so that the class prior is not restored by the counts; `random_over` and `random_under` restore it so.

    One that makes rows (SMOTE and the like) is given the encoded columns of a table's training rows; what it makes is trained on
    beside them. Between categories there is nothing, so that with categories, or gaps, it must be SMOTENC.
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
        """Raises PlanError for an unknown class or option, counts that it refuses, and fewer than two classes with rows."""
        if not known_samplers():  # not installed: check_requirements says so
            return counts.with_rows({label: (0, high) for label, high in enumerate(counts.high)})
        sampler = self.build(counts.classes)
        present = present_classes(counts, self.name)
        if not counts.is_exact:
            return counts.with_rows(self._bounds(sampler, counts))
        goals = final_counts(self.name, sampler, counts.low)
        few = neighbours_problem(sampler, goals, counts)
        if few:
            raise PlanError(f"{self.name}: {few}")
        if self.sampler in _EXACT:
            return counts.with_rows({label: (goal, goal) for label, goal in goals.items()})
        if self.makes_rows:  # over-sampling: some round, find no rows to start from, or clean afterwards
            least = (0,) * len(counts.low) if self.sampler in _CLEAN_AFTER else counts.low
            return counts.with_rows(
                {
                    label: (least[label], goals[label] + counts.low[label] if label in goals else counts.low[label])
                    for label in present
                }
            )
        # Every class: a method that cleans repeatedly reads a word such as `majority` anew each time.
        return counts.with_rows({label: (0, counts.high[label]) for label in present})

    def _bounds(self, sampler: Any, counts: Counts) -> dict[int, tuple[int, int]]:
        """Of class counts that are not known before training."""
        if sampler._sampling_type != "over-sampling":
            return {label: (0, high) for label, high in enumerate(counts.high)}
        strategy = sampler.sampling_strategy
        asked = strategy.values() if isinstance(strategy, dict) else ()
        most = max([*counts.high, *(rows for rows in asked if isinstance(rows, int))])
        return {label: (counts.low[label], most) for label, high in enumerate(counts.high) if high}

    @property
    def idle(self) -> tuple[str, ...]:
        return ("backbone", "epochs", "loss") if self.makes_rows else super().idle

    @property
    def makes_rows(self) -> bool:
        kind = known_samplers().get(self.sampler)
        return kind is not None and (makes_rows(kind) or self.options.get("shrinkage") is not None)

    def check_columns(self, categories: Sequence[str], numbers: Sequence[str]) -> str:
        if self.sampler == "SMOTEN" and numbers:
            return f"SMOTEN takes every column for categories, and {listing(numbers)} are numbers: take SMOTENC"
        if self.sampler in _FOR_CATEGORIES:
            return "" if categories else f"{self.sampler} is for categories, and there are none: take SMOTE"
        if not categories or self.options.get("voting") == "hard":
            return ""
        return (
            f"{self.sampler} makes rows between others, and between categories there is nothing ({listing(categories)}): take "
            "SMOTENC, or `voting: hard` of ClusterCentroids"
        )

    def make(
        self, plan: Plan, columns: np.ndarray, encoding: ColumnEncoding, rng: np.random.Generator
    ) -> tuple[Plan, np.ndarray, np.ndarray]:
        """Raises PlanError as `preview`, and for rows that imbalanced-learn's sampler refuses."""
        self.preview(Counts.of(plan))
        order = np.argsort(plan.key)
        given, labels = columns[order], plan.label[order].astype(np.int64)
        mixed = MixedColumns.of(encoding, given) if self.sampler in _FOR_CATEGORIES else None
        more = {"categorical_features": mixed.categorical} if mixed and self.sampler == "SMOTENC" else {}
        seed = int(rng.integers(2**31))
        sampler = built(self.name, self.sampler, {**self.options, **more}, plan.classes, seed)
        with _in_its_words(self.name, self.sampler, len(labels)):
            found, found_labels = sampler.fit_resample(given if mixed is None else mixed.rows(given), labels)
        if mixed is not None:
            found = mixed.columns(found)
        kept, made = told_apart(given, labels, found, found_labels)
        return plan.select(order[kept]), found[made].astype(np.float32), found_labels[made].astype(np.uint16)

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        kind = getattr(known_samplers().get(self.sampler), "_sampling_type", "")
        why = _WHY.get(kind, "which rows stay may depend on their features")
        if self.makes_rows:
            why = "makes rows of a class out of others, which are not as likely within it as those of the data"
        return PriorShift.of_counts(before, after, False, f"{self.sampler} {why}")

    def picker(self, before: Counts, after: Counts, rng: np.random.Generator) -> Any:
        return self.build(before.classes, int(rng.integers(2**31)))

    def picked(self, picker: Any, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        with _in_its_words(self.name, self.sampler, len(labels)):
            return super().picked(picker, features, labels)

    def build(self, classes: tuple[str, ...], seed: int | None = None) -> Any:
        """imbalanced-learn's sampler for class codes. Raises PlanError for what it does not know or take, or makes new rows."""
        if self.sampler in _FOR_CATEGORIES and "categorical_features" in self.options:
            raise PlanError(
                f"{self.name}: which columns are categories follows from the data: leave out `categorical_features`"
            )
        more = {"categorical_features": [0]} if self.sampler == "SMOTENC" else {}
        return built(self.name, self.sampler, {**self.options, **more}, classes, seed)

    def resample(self, plan: Plan, features: np.ndarray, rng: np.random.Generator) -> Plan:
        """Raises PlanError as RowPicker's, and for a sampler that makes rows."""
        if self.makes_rows:
            self.preview(Counts.of(plan))
            raise PlanError(
                f"{self.name}: {self.sampler} makes new rows, and a plan holds rows of the data: call `make`, or make them of "
                f"the features under the head, with `stages: [{{name: imblearn, sampler: {self.sampler}}}]`"
            )
        return super().resample(plan, features, rng)


@contextmanager
def _in_its_words(part: str, sampler: str, rows: int) -> Iterator[None]:
    """Whatever imbalanced-learn says against rows as a PlanError: many types, all for rows that are too few or not comparable."""
    try:
        yield
    except Exception as error:
        raise PlanError(f"{part}: {sampler} refuses these {rows:,} rows: {type(error).__name__}: {error}") from error


def told_apart(
    rows: np.ndarray, labels: np.ndarray, found: np.ndarray, found_labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows were kept, positions in `rows`, and which of those found are made, positions in `found`; by their values."""

    def keyed(values: np.ndarray, codes: np.ndarray) -> list[bytes]:
        return [bytes(row) for row in np.column_stack([values.astype(np.float32), codes.astype(np.float32)])]

    places: dict[bytes, list[int]] = {}
    for place, key in reversed(list(enumerate(keyed(rows, labels)))):
        places.setdefault(key, []).append(place)
    kept, made = [], []
    for place, key in enumerate(keyed(found, found_labels)):
        same = places.get(key)
        if same:
            kept.append(same.pop())
        else:
            made.append(place)
    return np.array(sorted(kept), dtype=np.int64), np.array(made, dtype=np.int64)
