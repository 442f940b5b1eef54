"""Methods of imbalanced-learn that pick rows by their neighbours, on the features of a frozen network.

Neighbours are those of Euclidean distance between standardised features, among all rows of the plan. Which rows go depends on
their images, so that the class prior is restored by a fit, not by the counts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from imbalkit.builtin.samplers.row_picker import RowPicker, present_classes
from imbalkit.kinds import (
    ClassName,
    Counts,
    FinalCount,
    FinalCounts,
    PlanError,
    PriorShift,
    label_of,
    one_of,
    param,
    rows_text,
)

_Words = Literal["auto", "all", "majority", "not majority", "not minority"]
_Classes = Annotated[list[ClassName], Field(min_length=1)]
_Cleaned = Annotated[
    _Words | _Classes,
    one_of(
        "'auto', 'all', 'majority', 'not majority', 'not minority' or a list of classes",
        words=["auto", "all", "majority", "not majority", "not minority"],
        items=_Classes,
    ),
]
_Final = Annotated[
    Literal["auto"] | FinalCount | FinalCounts,
    one_of(
        "'auto', a number of rows, or a mapping from classes to numbers of rows",
        words=["auto"],
        number=FinalCount,
        mapping=FinalCounts,
    ),
]


def _smallest(counts: Counts, present: list[int]) -> list[int]:
    """Which classes may be the smallest: one where that is known, of equal exact counts the first."""
    if counts.is_exact:
        return [min(present, key=lambda label: counts.low[label])]
    return [label for label in present if counts.low[label] <= min(counts.high[other] for other in present)]


def _largest(counts: Counts, present: list[int]) -> list[int]:
    """Which classes may be the largest: one where that is known, of equal exact counts the first."""
    if counts.is_exact:
        return [max(present, key=lambda label: counts.low[label])]
    return [label for label in present if counts.high[label] >= max(counts.low[other] for other in present)]


# --- cleaning: few rows go, wherever the classes meet --------------------------------------------------------------------


class _Cleaning(RowPicker):
    """Drops rows of some classes that lie among another class's; how many, only the features can tell."""

    sampling_strategy: _Cleaned = param(
        "auto", help="which classes may lose rows, by their present counts; auto: not minority"
    )

    def preview(self, counts: Counts) -> Counts:
        """Raises PlanError for fewer than two classes with rows, and for a named class without any."""
        high = dict.fromkeys(self._targets(counts), 0)
        return counts.with_rows({label: (self._least(label, counts), counts.high[label]) for label in high})

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        return PriorShift.of_counts(
            before, after, False, "drops rows by their image: those that lie among another class's"
        )

    def _least(self, label: int, counts: Counts) -> int:
        """The fewest rows that a targeted class may be left with."""
        return 0

    def _targets(self, counts: Counts) -> list[int]:
        """Labels of the classes that may lose rows."""
        present, strategy = present_classes(counts, self.name), self.sampling_strategy
        if isinstance(strategy, list):
            labels = sorted(label_of(name, counts.classes, self.name) for name in strategy)
            empty = [counts.classes[label] for label in labels if not counts.high[label]]
            if empty:
                raise PlanError(
                    f"{self.name}: class {empty[0]!r} has no rows to clean; leave it out of `sampling_strategy`"
                )
            return labels
        if strategy == "majority":
            return _largest(counts, present)
        if strategy == "all":
            return present
        spared = _largest(counts, present) if strategy == "not majority" else _smallest(counts, present)
        return [label for label in present if len(spared) > 1 or label != spared[0]]


class TomekLinks(_Cleaning):
    """Drops rows that form a Tomek link: two rows of different classes, each the nearest of all rows to the other (Tomek 1976).

    Only the link's row of a targeted class goes; with `all` both do. Few rows go: it cleans where classes meet, and does not
    balance.
    """

    name = "tomek_links"

    def _least(self, label: int, counts: Counts) -> int:
        # A row is in one link at most.
        others = sum(high for other, high in enumerate(counts.high) if other != label)
        return max(0, counts.low[label] - others)

    def picker(self, before: Counts, after: Counts, rng: np.random.Generator) -> Any:
        from imblearn.under_sampling import TomekLinks

        return TomekLinks(sampling_strategy=self._targets(before))


class EditedNearestNeighbours(_Cleaning):
    """Drops rows whose nearest neighbours disagree with their class (Wilson 1972). It cleans, and does not balance."""

    name = "edited_nearest_neighbours"

    n_neighbors: int = param(3, help="how many neighbours are asked", ge=1)
    kind_sel: Literal["all", "mode"] = param(
        "all",
        help="a row stays if all of its neighbours are of its class, or if that is the most frequent one among them",
    )

    def preview(self, counts: Counts) -> Counts:
        """Raises PlanError as for Tomek links, and for fewer rows than neighbours."""
        rows = sum(counts.high)
        if rows <= self.n_neighbors:
            raise PlanError(
                f"{self.name}: asks {self.n_neighbors} neighbours of each row (n_neighbors), and there are "
                f"{rows_text(rows, rows)} in all"
            )
        return super().preview(counts)

    def picker(self, before: Counts, after: Counts, rng: np.random.Generator) -> Any:
        from imblearn.under_sampling import EditedNearestNeighbours

        return EditedNearestNeighbours(
            sampling_strategy=self._targets(before), n_neighbors=self.n_neighbors, kind_sel=self.kind_sel
        )


# --- balancing: a final count, of rows near to the smallest class --------------------------------------------------------


class NearMiss(RowPicker):
    """Keeps those rows of the larger classes that lie nearest to the smallest class (Mani and Zhang 2003).

    Version 1: of least mean distance to their `n_neighbors` nearest rows of the smallest class; 2: to its `n_neighbors` farthest
    rows; 3: of the `n_neighbors_ver3` nearest rows to each of its rows, those of largest mean distance as in 1 (perhaps fewer
    than the final count). It keeps what is hardest to tell from the smallest class, mislabelled rows among them.
    """

    name = "near_miss"

    sampling_strategy: _Final = param(
        "auto",
        help="final count: of the smallest class for every class (auto), a number for every class with more rows, or a number "
        "for each class named",
        unit="rows",
    )
    version: Literal[1, 2, 3] = param(
        1, help="near to which rows of the smallest class: 1 the nearest, 2 the farthest, 3 a short list of each"
    )
    n_neighbors: int = param(3, help="how many rows of the smallest class distances are to", ge=1)
    n_neighbors_ver3: int = param(3, help="version 3: how many rows each row of the smallest class proposes", ge=1)

    def preview(self, counts: Counts) -> Counts:
        """Raises PlanError for more rows than a class has, fewer than two classes with rows, or where a class that is sure to be
        cut has too few rows for the neighbours."""
        present = present_classes(counts, self.name)
        goals = self._goals(counts, present)
        changes = {
            label: (min(counts.low[label], low), min(counts.high[label], high))
            for label, (low, high) in goals.items()
            if counts.high[label] > low
        }
        cut = [label for label in changes if counts.low[label] > goals[label][1]]  # whatever was dropped before
        sure = [label for label in present if counts.low[label]] or present
        least = min(counts.high[label] for label in sure)
        if cut and self.version != 2 and least < self.n_neighbors:
            smallest = counts.classes[min(sure, key=lambda label: counts.high[label])]
            raise PlanError(
                f"{self.name}: distances are to {self.n_neighbors} rows of the smallest class (n_neighbors), and {smallest!r} "
                f"has {rows_text(least, least)}; use n_neighbors: {least}"
            )
        if self.version != 3:
            return counts.with_rows(changes)
        few = next((label for label in cut if counts.high[label] < self.n_neighbors_ver3), None)
        if few is not None:
            raise PlanError(
                f"{self.name}: each row of the smallest class proposes {self.n_neighbors_ver3} rows (n_neighbors_ver3), and "
                f"class {counts.classes[few]!r} has {rows_text(counts.low[few], counts.high[few])}"
            )
        proposed = self.n_neighbors_ver3  # of each row of the smallest class, perhaps the same
        return counts.with_rows({label: (min(low, proposed), high) for label, (low, high) in changes.items()})

    def prior_shift(self, before: Counts, after: Counts) -> PriorShift:
        return PriorShift.of_counts(before, after, False, "keeps rows by their image: those near to the smallest class")

    def picker(self, before: Counts, after: Counts, rng: np.random.Generator) -> Any:
        from imblearn.under_sampling import NearMiss

        # The preview's upper bound is the final count: fewer rows than that are version 3's.
        goals = {label: after.high[label] for label, rows in enumerate(before.low) if after.high[label] < rows}
        return (
            NearMiss(
                sampling_strategy=goals,
                version=self.version,
                n_neighbors=self.n_neighbors,
                n_neighbors_ver3=self.n_neighbors_ver3,
            )
            if goals
            else None
        )

    def _goals(self, counts: Counts, present: list[int]) -> dict[int, tuple[int, int]]:
        """Final counts of the classes that may be cut, as bounds."""
        strategy = self.sampling_strategy
        if strategy == "auto":
            # A class that may have lost every row before need not be the smallest.
            sure = [label for label in present if counts.low[label]] or present
            goal = min(max(counts.low[label], 1) for label in present), min(counts.high[label] for label in sure)
            return dict.fromkeys(present, goal)
        if isinstance(strategy, int):
            self._refuse_more(counts, max(present, key=lambda label: counts.high[label]), strategy)
            return dict.fromkeys(present, (strategy, strategy))
        goals = {label_of(name, counts.classes, self.name): (rows, rows) for name, rows in strategy.items()}
        for label, (rows, _) in goals.items():
            self._refuse_more(counts, label, rows)
        return goals

    def _refuse_more(self, counts: Counts, label: int, rows: int) -> None:
        if rows > counts.high[label]:
            raise PlanError(
                f"{self.name}: class {counts.classes[label]!r} has {rows_text(counts.low[label], counts.high[label])}, asked "
                f"for {rows:,}; ask for at most {counts.high[label]:,}"
            )
