"""The split of all samples into train, validation and test: stratified, grouped, in folds, or given by a column.

It depends on the table's rows in their order (labels, groups) and on `SplitSettings` alone: never on the run's seed or
on a sampler. Shuffling the table's rows gives another split of the same make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.parameters import Settings, param
from imbalkit.base.randomness import derive_seed
from imbalkit.base.text import share_text
from imbalkit.data.split_column import SIDES, column_sides
from imbalkit.data.table import Table
from imbalkit.errors import DataError, listing
from imbalkit.functional.group_split import assign_groups, fill_splits, stratified


class SplitSettings(Settings):
    """How the samples are divided. The split has a seed of its own, so that a study's seeds share the test rows."""

    seed: int = param(0, help="decides the split, apart from the run's seed", ge=0, le=2**32 - 1)
    validation: float = param(
        0.2,
        help="share of all samples for validation; of the train samples where a column names no validation",
        ge=0,
        lt=1,
    )
    test: float = param(0.2, help="share of all samples for the test; not used with a column or folds", ge=0, lt=1)
    group: bool = param(True, help="keep the samples of a group on one side, where the data have groups")
    column: str | None = param(None, help="column of the data that says train, validation or test of each sample")
    folds: int | None = param(None, help="cross-validation: how many test folds", ge=2)
    fold: int | None = param(None, help="which of the folds is the test, from 0 (default: each in turn)", ge=0)

    @property
    def runs_all_folds(self) -> bool:
        """Whether a run is a cross-validation, of which every fold is a run of its own."""
        return self.folds is not None and self.fold is None

    @model_validator(mode="after")
    def _check(self) -> SplitSettings:
        problem = None
        test = self.test if self.folds is None else 1 / self.folds
        if self.column is not None and self.folds is not None:
            problem = "expected a column or folds, got both: leave one out"
        elif self.fold is not None and self.folds is None:
            problem = "a fold needs folds: say how many there are"
        elif self.folds is not None and self.fold is not None and self.fold >= self.folds:
            problem = f"expected a fold from 0 to {self.folds - 1}, got {self.fold}"
        elif self.column is None and test == 0:
            problem = "expected a test share above 0, got 0: without test samples there is nothing to report"
        elif self.column is None and self.validation + test >= 1:
            problem = (
                f"validation {self.validation:g} and test {test:g} leave nothing to train on: expected a sum below 1"
            )
        if problem:
            raise PydanticCustomError("split", "{problem}", {"problem": problem})
        return self


@dataclass(frozen=True)
class Split:
    """Sample indices of each side, sorted int64, and what a reader should know of them.

    Attributes:
        train, validation, test: indices into the table; complete and disjoint
        counts: side -> samples of each class
        groups: side -> number of groups; None where the data have no groups. A missing group id is a group of its own
        missing_groups: samples without a group id, where other samples have one
        shared_groups: groups with samples on more than one side; always 0 when groups are kept together
        shared_files: image files with rows on more than one side; always 0 unless a column puts them there
        notes: what was decided that the settings do not say
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    counts: dict[str, tuple[int, ...]]
    groups: dict[str, int] | None = None
    missing_groups: int = 0
    shared_groups: int = 0
    shared_files: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def summary(self) -> dict[str, Any]:
        """Everything but the indices, ready for JSON."""
        return {
            "samples": {side: len(getattr(self, side)) for side in SIDES},
            "counts": {side: list(counts) for side, counts in self.counts.items()},
            "groups": self.groups,
            "missing_groups": self.missing_groups,
            "shared_groups": self.shared_groups,
            "shared_files": self.shared_files,
            "notes": list(self.notes),
        }


def split_table(table: Table, settings: SplitSettings) -> Split:
    """Divide a table's samples.

    Without groups the test rows are those of scikit-learn's `train_test_split(stratify=labels, random_state=seed)`
    (folds: `StratifiedKFold(shuffle=True, random_state=seed)`). With groups, whole groups are dealt so that each class
    gets its share on each side (imbalkit.functional.group_split), closely but not to the sample. Rows of one image file are
    dealt together in any case. Each class gets a sample at least on each side; samples of a rare class move to that end.
    The share for validation does not move the test.

    Raises:
        DataError: a class with too few samples or groups, a column that does not fit, groups or files on two sides of a
            column
    """
    groups = table.groups
    keep = groups if settings.group else table.files  # what must stay together
    notes: list[str] = []
    if settings.column is not None:
        side = _given(table, settings, keep, notes)
    else:
        side = _drawn(table, settings, keep, notes)
    return _result(table, side, groups, settings, notes)


def _drawn(table: Table, settings: SplitSettings, groups: np.ndarray | None, notes: list[str]) -> np.ndarray:
    """The side of each row, int64 [n]."""
    labels = table.labels.astype(np.int64)
    others = 1 if settings.validation == 0 else 2  # sides beside the test
    if settings.folds is None:
        _check_rare(table, labels, groups, others + 1, f"{others + 1} sides")
        share = settings.test
        test = _carve(table, labels, groups, share, settings.seed, "test", keep=others)
    else:
        least = max(settings.folds, ceil(others * settings.folds / (settings.folds - 1)))
        _check_rare(table, labels, groups, least, f"{settings.folds} folds")
        share = 1 / settings.folds
        test = _fold(table, labels, groups, settings) == (settings.fold or 0)
        if settings.fold is None:
            notes.append(f"the split shown is fold 0 of {settings.folds}")
    side = np.where(test, 2, 0)
    if settings.validation > 0:
        rows = np.flatnonzero(~test)
        side[_carve_validation(table, labels, groups, rows, settings.validation / (1 - share), settings.seed)] = 1
    for name, number, asked in (("validation", 1, settings.validation), ("test", 2, share)):
        got = float((side == number).mean())
        if groups is not None and abs(got - asked) > 0.02:
            notes.append(
                f"whole groups make {name} {share_text(got)} of the samples; {share_text(asked)} were asked for"
            )
    given = set(table.frame["split"]) if "split" in table.frame else set()
    if {"train", "test"} <= given:
        notes.append("the data have a column 'split', which is not used; set split.column to 'split' to use it")
    elif len(given) > 1:
        notes.append(
            f"the data have a column 'split' ({', '.join(sorted(given))}), which is not used: it has no test samples"
        )
    return side


def _carve_validation(
    table: Table, labels: np.ndarray, groups: np.ndarray | None, rows: np.ndarray, share: float, seed: int
) -> np.ndarray:
    """About `share` of `rows`, for validation."""
    labels, groups = labels[rows], None if groups is None else groups[rows]
    _check_rare(table, labels, groups, 2, "train and validation")
    seed = derive_seed(seed, "split", "validation") % 2**32
    return rows[_carve(table, labels, groups, share, seed, "validation", keep=1)]


def _carve(
    table: Table, labels: np.ndarray, groups: np.ndarray | None, share: float, seed: int, name: str, keep: int
) -> np.ndarray:
    """Mask [n] of the part to take: about `share` of each class, 1 row (or group) at least, leaving `keep` at least."""
    if groups is not None:
        return _grouped(table, labels, groups, np.array([1 - share, share]), seed, name, np.array([keep, 1])) == 1
    size = ceil(share * len(labels) - 1e-6)  # scikit-learn's rounding, safe against 0.2 * 5 = 1.0000000000000002
    present = np.bincount(labels) > 0
    if size < present.sum() or len(labels) - size < keep * present.sum():
        raise DataError(
            f"{len(labels):,} samples at a {name} share of {share:g} give {size:,} for {name} and leave "
            f"{len(labels) - size:,}, too few for {present.sum()} classes on each side: change split.{name}"
        )
    taken = stratified(labels, size, seed)
    # Shares of a rare class may round to nothing: move single rows until each side has its least.
    total, got = np.bincount(labels), np.bincount(labels[taken], minlength=len(present))
    least, most = np.minimum(total, 1), np.maximum(total - keep, 0)
    rng = np.random.default_rng(seed)
    for label in np.flatnonzero((got < least) | (got > most)):
        change = int(np.clip(got[label], least[label], most[label]) - got[label])
        movable = np.flatnonzero((labels == label) & (taken == (change < 0)))
        taken[rng.choice(movable, abs(change), replace=False)] = change > 0
    return taken


def _grouped(
    table: Table, labels: np.ndarray, groups: np.ndarray, shares: np.ndarray, seed: int, name: str, least: np.ndarray
) -> np.ndarray:
    side = assign_groups(labels, groups, shares, seed)
    lacking = fill_splits(side, labels, groups, least)
    if lacking is not None:
        raise DataError(
            f"class {table.classes[lacking]!r}: its groups cannot be dealt so that each side of the {name} split has "
            "one; set split.group to false, leave the class out, or bring more groups of it"
        )
    return side


def _fold(table: Table, labels: np.ndarray, groups: np.ndarray | None, settings: SplitSettings) -> np.ndarray:
    """The fold of each row, int [n]."""
    folds = settings.folds or 0
    if groups is not None:
        shares = np.full(folds, 1 / folds)
        return _grouped(table, labels, groups, shares, settings.seed, "folds", np.ones(folds, dtype=np.int64))
    from sklearn.model_selection import StratifiedKFold

    fold = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=settings.seed)
    for number, (_, rows) in enumerate(splitter.split(np.zeros(len(labels)), labels)):
        fold[rows] = number
    return fold


def _given(table: Table, settings: SplitSettings, groups: np.ndarray | None, notes: list[str]) -> np.ndarray:
    column = settings.column
    side = column_sides(table, str(column))
    for codes, what, place in ((table.files, "image files", "path"), (groups, "groups", "group")):
        if codes is None or not settings.group:
            continue
        shared = _shared(codes, side)
        if shared.size:
            names = table.frame[place].groupby(codes).first().reindex(shared[:3])
            raise DataError(
                f"split.column {column!r} puts {shared.size:,} {what} on more than one side (such as "
                f"{listing(map(repr, names))}), so that the test would not be independent: mend the column, or accept it "
                "with split.group: false"
            )
    labels = table.labels.astype(np.int64)
    absent = _absent(table, side == 0)
    if absent:
        raise DataError(
            f"split.column {column!r} has no train samples of {listing(absent)}; expected some of each class"
        )
    if settings.validation > 0 and not (side == 1).any():
        rows = np.flatnonzero(side == 0)
        side[_carve_validation(table, labels, groups, rows, settings.validation, settings.seed)] = 1
        notes.append(
            f"the column {column!r} has no validation samples: "
            f"{settings.validation:g} of its train samples became validation"
        )
    absent = _absent(table, side == 2)
    if absent:
        notes.append(f"the column {column!r} has no test samples of {listing(absent)}: their figures are not defined")
    return side


def _check_rare(table: Table, labels: np.ndarray, groups: np.ndarray | None, least: int, what: str) -> None:
    """Each class needs a row, or a group, for each side."""
    classes = len(table.classes)
    if groups is not None:
        labels = np.unique(groups * classes + labels) % classes
    units, word = np.bincount(labels, minlength=classes), "samples" if groups is None else "groups"
    few = [f"{name!r} has {count}" for name, count in zip(table.classes, units, strict=True) if count < least]
    if few:
        raise DataError(
            f"a split into {what} needs {least} {word} or more of each class, but {listing(few)}: leave such classes "
            "out, merge them, bring more data, or ask for fewer sides (split.validation: 0, fewer split.folds)"
        )


def _absent(table: Table, mask: np.ndarray) -> list[str]:
    """Classes without a sample in the mask."""
    counts = table.counts(np.flatnonzero(mask))
    return [name for name, count in zip(table.classes, counts, strict=True) if not count]


def _shared(groups: np.ndarray, side: np.ndarray) -> np.ndarray:
    """Groups with rows on more than one side."""
    pairs = np.unique(groups * len(SIDES) + side)
    codes, times = np.unique(pairs // len(SIDES), return_counts=True)
    return codes[times > 1]


def _result(
    table: Table, side: np.ndarray, groups: np.ndarray | None, settings: SplitSettings, notes: list[str]
) -> Split:
    train, validation, test = rows = [np.flatnonzero(side == number) for number in range(len(SIDES))]
    if not len(validation):
        notes.append("there are no validation rows: the last epoch is kept, and no threshold or calibration is chosen")
    shared, missing = 0, 0
    files = 0 if table.files is None else _shared(table.files, side).size
    if files and settings.column is None:
        raise AssertionError(
            f"{files} image files are on two sides of the split: a defect of imbalkit, please report it"
        )
    if files:
        notes.append(f"split.column {settings.column!r} puts rows of {files:,} image files on more than one side")
    if groups is not None:
        missing = int(table.frame["group"].isna().sum())
        shared = _shared(groups, side).size
        if settings.group and shared:
            raise AssertionError(
                f"{shared} groups are on two sides of the split: a defect of imbalkit, please report it"
            )
    return Split(
        train,
        validation,
        test,
        counts={name: table.counts(part) for name, part in zip(SIDES, rows, strict=True)},
        groups=None
        if groups is None
        else {name: np.unique(groups[part]).size for name, part in zip(SIDES, rows, strict=True)},
        missing_groups=missing,
        shared_groups=shared,
        shared_files=files,
        notes=tuple(notes),
    )
