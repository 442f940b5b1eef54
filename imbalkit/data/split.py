"""The split of all samples into train, validation and test: stratified, grouped, in folds, or given by a column.

It depends on the table's rows in their order (labels, groups) and on `SplitSettings` alone: never on the run's seed or
on a sampler. Shuffling the table's rows gives another split of the same make.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np

from imbalkit.base.randomness import derive_seed
from imbalkit.base.text import share_text
from imbalkit.data.split_column import SPLIT_NAMES, column_splits
from imbalkit.data.split_settings import SplitSettings
from imbalkit.data.strata import Strata, strata_of
from imbalkit.data.table import Table
from imbalkit.errors import DataError, listing
from imbalkit.functional.distinct import distinct
from imbalkit.functional.group_split import assign_groups, fill_splits, stratified


@dataclass(frozen=True)
class Split:
    """Sample indices of each split, sorted int64, and what a reader should know of them.

    Attributes:
        train, validation, test: indices into the table; complete and disjoint
        counts: split -> samples of each class
        groups: split -> number of groups; None where the data have no groups. A missing group id is a group of its own
        missing_groups: samples without a group id, where other samples have one
        shared_groups: groups with samples in more than one split; always 0 when groups are kept together
        shared_files: image files with rows in more than one split; always 0 unless a column puts them there
        notes: what was decided that the settings do not state
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
            "samples": {name: len(getattr(self, name)) for name in SPLIT_NAMES},
            "counts": {name: list(counts) for name, counts in self.counts.items()},
            "groups": self.groups,
            "missing_groups": self.missing_groups,
            "shared_groups": self.shared_groups,
            "shared_files": self.shared_files,
            "notes": list(self.notes),
        }


def split_table(table: Table, settings: SplitSettings) -> Split:
    """Divide a table's samples.

    Without groups the test rows are those of scikit-learn's `train_test_split(stratify=labels, random_state=seed)`
    (folds: `StratifiedKFold(shuffle=True, random_state=seed)`). With groups, whole groups are assigned so that each class
    gets its share in each split (imbalkit.functional.group_split), closely but not to the sample. Rows of one image file
    stay together in any case. Each class gets a sample at least in each split; samples of a rare class move to that end.
    The share for validation does not move the test.

    Raises:
        DataError: a class with too few samples or groups, a column that does not fit, groups or files that a column puts
            in two splits
    """
    groups = table.groups
    keep = groups if settings.group else table.files  # what must stay together
    notes: list[str] = []
    if settings.column is not None:
        splits = _given(table, settings, keep, notes)
    else:
        splits = _drawn(table, settings, keep, notes)
    return _result(table, splits, groups, settings, notes)


def _drawn(table: Table, settings: SplitSettings, groups: np.ndarray | None, notes: list[str]) -> np.ndarray:
    """The split of each row, int64 [n]: 0 train, 1 validation, 2 test."""
    labels = table.labels.astype(np.int64)
    strata = strata_of(table, settings.stratify, groups, _least_of_stratum(settings))
    others = 1 if settings.validation == 0 else 2  # splits beside the test
    if not settings.has_test:
        test, share = np.zeros(len(table), dtype=bool), 0.0
    elif settings.folds is None:
        _check_rare(
            table, labels, groups, others + 1, "train and test" if others == 1 else "train, validation and test"
        )
        share = settings.test
        test = _sample(strata, groups, share, settings.seed, "test", keep=others)
    else:
        least = max(settings.folds, ceil(others * settings.folds / (settings.folds - 1)))
        _check_rare(table, labels, groups, least, f"{settings.folds} folds")
        share = 1 / settings.folds
        test = _fold(strata, groups, settings) == (settings.fold or 0)
        if settings.fold is None:
            notes.append(f"the split shown is fold 0 of {settings.folds}")
    splits = np.where(test, 2, 0)
    if settings.validation > 0:
        rows = np.flatnonzero(~test)
        splits[_sample_validation(table, strata, groups, rows, settings.validation / (1 - share), settings.seed)] = 1
    for name, number, requested in (("validation", 1, settings.validation), ("test", 2, share)):
        got = float((splits == number).mean())
        if groups is not None and abs(got - requested) > 0.02:
            notes.append(
                f"whole groups make {name} {share_text(got)} of the samples; {share_text(requested)} were requested"
            )
    given = set(table.frame["split"]) if "split" in table.frame else set()
    if {"train", "test"} <= given:
        notes.append("the data have a column 'split', which is not used; set split.column to 'split' to use it")
    elif len(given) > 1:
        notes.append(
            f"the data have a column 'split' ({', '.join(sorted(given))}), which is not used: it has no test samples"
        )
    return splits


def _least_of_stratum(settings: SplitSettings) -> int:
    """Fewest rows (groups) of a stratum, so that each split gets one by its share."""
    shares = [settings.validation, 1 / settings.folds if settings.folds else settings.test]
    return max(2 * (settings.folds or 3), ceil(1 / min((share for share in shares if share), default=1)))


def _sample_validation(
    table: Table, strata: Strata, groups: np.ndarray | None, rows: np.ndarray, share: float, seed: int
) -> np.ndarray:
    """About `share` of `rows`, for validation."""
    groups = None if groups is None else groups[rows]
    _check_rare(table, table.labels[rows].astype(np.int64), groups, 2, "train and validation")
    seed = derive_seed(seed, "split", "validation") % 2**32
    return rows[_sample(strata.of(rows), groups, share, seed, "validation", keep=1)]


def _sample(found: Strata, groups: np.ndarray | None, share: float, seed: int, name: str, keep: int) -> np.ndarray:
    """Mask [n] of the part to take: about `share` of each stratum, 1 row (or group) at least, leaving `keep` at least."""
    if groups is not None:
        return _grouped(found, groups, np.array([1 - share, share]), seed, name, np.array([keep, 1])) == 1
    strata = found.codes
    size = ceil(share * len(strata) - 1e-6)  # scikit-learn's rounding, safe against 0.2 * 5 = 1.0000000000000002
    present = np.bincount(strata) > 0
    if size < present.sum() or len(strata) - size < keep * present.sum():
        raise DataError(
            f"{len(strata):,} samples at a {name} share of {share:g} give {size:,} for {name} and leave "
            f"{len(strata) - size:,}, too few for {present.sum()} {found.word} in each split: change split.{name}"
        )
    taken = stratified(strata, size, seed)
    # Shares of a rare stratum may round to nothing: move single rows until each split has its least.
    total, got = np.bincount(strata), np.bincount(strata[taken], minlength=len(present))
    least, most = np.minimum(total, 1), np.maximum(total - keep, 0)
    rng = np.random.default_rng(seed)
    for stratum in np.flatnonzero((got < least) | (got > most)):
        change = int(np.clip(got[stratum], least[stratum], most[stratum]) - got[stratum])
        movable = np.flatnonzero((strata == stratum) & (taken == (change < 0)))
        taken[rng.choice(movable, abs(change), replace=False)] = change > 0
    return taken


def _grouped(
    found: Strata, groups: np.ndarray, shares: np.ndarray, seed: int, name: str, least: np.ndarray
) -> np.ndarray:
    splits = assign_groups(found.codes, groups, shares, seed)
    lacking = fill_splits(splits, found.labels, groups, least)
    if lacking is not None:
        raise DataError(
            f"class {found.classes[lacking]!r}: its groups cannot be assigned so that each part of the {name} split has "
            "one; set split.group to false, leave the class out, or bring more groups of it"
        )
    return splits


def _fold(found: Strata, groups: np.ndarray | None, settings: SplitSettings) -> np.ndarray:
    """The fold of each row, int [n]."""
    folds = settings.folds or 0
    if groups is not None:
        shares = np.full(folds, 1 / folds)
        return _grouped(found, groups, shares, settings.seed, "folds", np.ones(folds, dtype=np.int64))
    from sklearn.model_selection import StratifiedKFold

    fold = np.zeros(len(found.codes), dtype=np.int64)
    splitter = StratifiedKFold(folds, shuffle=True, random_state=settings.seed)
    for number, (_, rows) in enumerate(splitter.split(np.zeros(len(found.codes)), found.codes)):
        fold[rows] = number
    return fold


def _given(table: Table, settings: SplitSettings, groups: np.ndarray | None, notes: list[str]) -> np.ndarray:
    column = settings.column
    splits = column_splits(table, str(column), settings.has_test)
    for codes, what, place in ((table.files, "image files", "path"), (groups, "groups", "group")):
        if codes is None or not settings.group:
            continue
        shared = _shared(codes, splits)
        if shared.size:
            names = table.frame[place].groupby(codes).first().reindex(shared[:3])
            raise DataError(
                f"split.column {column!r} puts {shared.size:,} {what} in more than one split (such as "
                f"{listing(map(repr, names))}), so that the test would not be independent: correct the column, or accept it "
                "with split.group: false"
            )
    labels = table.labels.astype(np.int64)
    absent = _absent(table, splits == 0)
    if absent:
        raise DataError(
            f"split.column {column!r} has no train samples of {listing(absent)}; expected some of each class"
        )
    if settings.validation > 0 and not (splits == 1).any():
        rows = np.flatnonzero(splits == 0)
        splits[
            _sample_validation(
                table, Strata(labels, labels, table.classes), groups, rows, settings.validation, settings.seed
            )
        ] = 1
        notes.append(
            f"the column {column!r} has no validation samples: "
            f"{settings.validation:g} of its train samples became validation"
        )
    absent = _absent(table, splits == 1)
    if absent and (splits == 1).any():
        notes.append(
            f"the column {column!r} has no validation samples of {listing(absent)}: no epoch, threshold or calibration is "
            "chosen with regard to them"
        )
    absent = _absent(table, splits == 2)
    if absent and settings.has_test:
        notes.append(f"the column {column!r} has no test samples of {listing(absent)}: their metrics are not defined")
    return splits


def _check_rare(table: Table, labels: np.ndarray, groups: np.ndarray | None, least: int, what: str) -> None:
    """Each class needs a row, or a group, for each split."""
    classes = len(table.classes)
    if groups is not None:
        labels = distinct(groups * classes + labels) % classes
    units, word = np.bincount(labels, minlength=classes), "samples" if groups is None else "groups"
    few = [f"{name!r} has {count}" for name, count in zip(table.classes, units, strict=True) if count < least]
    if few:
        raise DataError(
            f"a split into {what} needs {least} {word} or more of each class, but {listing(few)}: leave such classes "
            "out, merge them, bring more data, or request fewer splits (split.validation: 0, fewer split.folds)"
        )


def _absent(table: Table, mask: np.ndarray) -> list[str]:
    """Classes without a sample in the mask."""
    counts = table.counts(np.flatnonzero(mask))
    return [name for name, count in zip(table.classes, counts, strict=True) if not count]


def _shared(groups: np.ndarray, splits: np.ndarray) -> np.ndarray:
    """Groups with rows in more than one split."""
    pairs = distinct(groups * len(SPLIT_NAMES) + splits)
    codes, times = np.unique(pairs // len(SPLIT_NAMES), return_counts=True)
    return codes[times > 1]


def _result(
    table: Table, splits: np.ndarray, groups: np.ndarray | None, settings: SplitSettings, notes: list[str]
) -> Split:
    train, validation, test = rows = [np.flatnonzero(splits == number) for number in range(len(SPLIT_NAMES))]
    if not len(validation):
        notes.append("there are no validation rows: the last epoch is kept, and no threshold or calibration is chosen")
    shared, missing = 0, 0
    files = 0 if table.files is None else _shared(table.files, splits).size
    if files and settings.column is None:
        raise AssertionError(f"{files} image files are in two splits: a defect of imbalkit, please report it")
    if files:
        notes.append(f"split.column {settings.column!r} puts rows of {files:,} image files in more than one split")
    if groups is not None:
        missing = int(table.frame["group"].isna().sum())
        shared = _shared(groups, splits).size
        if settings.group and shared:
            raise AssertionError(f"{shared} groups are in two splits: a defect of imbalkit, please report it")
    return Split(
        train,
        validation,
        test,
        counts={name: table.counts(part) for name, part in zip(SPLIT_NAMES, rows, strict=True)},
        groups=None
        if groups is None
        else {name: distinct(groups[part]).size for name, part in zip(SPLIT_NAMES, rows, strict=True)},
        missing_groups=missing,
        shared_groups=shared,
        shared_files=files,
        notes=tuple(notes),
    )
