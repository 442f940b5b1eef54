"""The table of all samples: a path (or a row of an array), a label, and what else is known of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from imbalkit.data.features import Features, empty_images
from imbalkit.data.group_checks import group_cautions, one_spelling
from imbalkit.data.label_checks import label_cautions
from imbalkit.data.same_file import file_note, joined_groups, repeated_files
from imbalkit.errors import DataError

UNCORRECTED = "label before corrections"
ORIGIN = "sample of all"  # its index before `corrections` or `sample` left samples out; only where they did
RESERVED = ("path", "label", "group", "split", UNCORRECTED, ORIGIN)


@dataclass(frozen=True)
class Table:
    """Every sample of a data set, in a fixed order.

    Attributes:
        frame: one row a sample, index 0..n-1; columns `label` (str), `path` (str, unless `arrays` is given), optionally
            `group` (str, missing allowed) and `split` (train | validation | test); every other column is metadata
        classes: class names; their order gives the label codes
        arrays: uint8 pixels [n, H, W, C] where the data are arrays and not files
        notes: what a user should know of the data; where a recipe can fix it, the note names the key
        cautions: notes that bear on what the metrics mean, such as rows left out or suspect labels: shown before the
            others, and again among the cautions of the report
        removed: samples that the data set left out and why, None where it left out none: columns `label`, `reason` (one
            word) and whatever else identifies the sample
        problems: what a plan can live with but a run cannot, such as image files that are not there; a run is refused
        files: a code for each row's image file, int64 [n], of rows of one real file the same (imbalkit.data.same_file); None
            where each row has its own. Their rows are joined in `group`
        features: the columns that are the samples, where there are no images (`arrays` are then without a channel)
        renamed: name here -> name in the file, of columns whose own name is one of the fixed ones above
    """

    frame: pd.DataFrame
    classes: tuple[str, ...]
    arrays: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())
    removed: pd.DataFrame | None = None
    problems: tuple[str, ...] = field(default=())
    cautions: tuple[str, ...] = field(default=())
    files: np.ndarray | None = None
    features: Features | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        frame: pd.DataFrame,
        arrays: np.ndarray | None = None,
        classes: Sequence[str] | None = None,
        notes: Sequence[str] = (),
        removed: pd.DataFrame | None = None,
        problems: Sequence[str] = (),
        cautions: Sequence[str] = (),
        features: Features | None = None,
        renamed: Mapping[str, str] | None = None,
    ) -> Table:
        """A table with labels as text and classes in natural order ("2" before "10"); rows of one image file are one group.

        Raises DataError if it has no rows, or rows without a label.
        """
        if not len(frame):
            raise DataError("the data have no samples")
        if frame["label"].isna().any():
            first = int(np.flatnonzero(frame["label"].isna())[0])
            raise DataError(f"{int(frame['label'].isna().sum())} samples have no label (the first is row {first})")
        frame = frame.reset_index(drop=True)
        for name in frame.columns:
            if name not in RESERVED and frame[name].dtype == object:
                frame[name] = _of_one_type(frame[name])
        frame["label"] = label_text(frame["label"])
        if "group" in frame:
            missing = frame["group"].isna()
            frame["group"] = label_text(frame["group"].where(~missing, "")).mask(missing)
            frame["group"], spelt = one_spelling(frame["group"])
            cautions = [*cautions, *spelt, *group_cautions(frame["group"])]
        classes = tuple(classes) if classes else natural_order(frame["label"])
        counts = frame["label"].value_counts()
        cautions = [*cautions, *label_cautions({name: int(counts.get(name, 0)) for name in classes})]
        if features is not None:
            arrays = empty_images(len(frame))
        files = repeated_files(frame["path"]) if arrays is None and "path" in frame else None
        if files is not None:
            cautions = [*cautions, file_note(frame["label"].to_numpy(), files)]
            frame["group"] = joined_groups(frame, files)
        return cls(
            frame,
            classes,
            arrays,
            _as_text(notes),
            removed,
            tuple(problems),
            _as_text(cautions),
            files,
            features,
            dict(renamed or {}),
        )

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Cautions, then notes: what `init`, `plan`, `run` and the report show."""
        return (*self.cautions, *self.notes)

    @cached_property
    def labels(self) -> np.ndarray:
        """Label codes, uint16 [n], not to be written to."""
        codes = pd.Categorical(self.frame["label"], categories=list(self.classes)).codes.astype(np.uint16)
        codes.flags.writeable = False  # everyone who asks gets this array
        return codes

    @cached_property
    def groups(self) -> np.ndarray | None:
        """Group codes, int64 [n], not to be written to, or None without groups. A missing group is a group of its own."""
        if "group" not in self.frame or self.frame["group"].isna().all():
            return None
        codes, names = pd.factorize(self.frame["group"])
        missing = codes < 0
        codes[missing] = len(names) + np.arange(int(missing.sum()))
        codes = codes.astype(np.int64)
        codes.flags.writeable = False
        return codes

    @property
    def origins(self) -> np.ndarray:
        """Index of each sample among all that the data set has, int64 [n]: what `corrections` names samples by."""
        return self.frame[ORIGIN].to_numpy(np.int64) if ORIGIN in self.frame else np.arange(len(self))

    def removed_counts(self) -> dict[str, dict[str, int]]:
        """Samples of each class that were left out, by reason, in the order of `removed`."""
        if self.removed is None:
            return {}
        names = [*self.classes, *sorted(set(self.removed["label"]) - set(self.classes))]
        return {
            str(reason): {name: int((labels == name).sum()) for name in names}
            for reason, labels in self.removed.groupby("reason", sort=False)["label"]
        }

    def counts(self, rows: np.ndarray | None = None) -> tuple[int, ...]:
        """Samples of each class, of all rows or of those given."""
        labels = self.labels if rows is None else self.labels[rows]
        return tuple(int(count) for count in np.bincount(labels, minlength=len(self.classes)))


def _as_text(notes: Sequence[str]) -> tuple[str, ...]:
    """Notes that any file can hold: what is no UTF-8 in a file's name is written as an escape."""
    return tuple(note.encode("utf-8", "backslashreplace").decode() for note in notes)


def _of_one_type(values: pd.Series) -> pd.Series:
    """A column of objects as text where they are of several types (numbers and words) or hold others (lists)."""
    kinds = {type(value) for value in values[values.notna()]}
    if len(kinds) < 2 and not kinds & {list, dict, set, tuple, np.ndarray}:
        return values
    return values.astype(object).where(values.isna(), values.map(str))


def label_text(values: pd.Series) -> pd.Series:
    """Labels of any type as text; whole floats (a column with gaps reads as such) lose their '.0'."""
    if pd.api.types.is_float_dtype(values) and ((values == values.round()) & (values.abs() < 2**53)).all():
        values = values.astype("int64")
    return values.astype(str)


def natural_order(labels: pd.Series) -> tuple[str, ...]:
    """Distinct labels, numbers by value before text by alphabet; a total order, whatever the order of the rows."""

    def key(text: str) -> tuple[int, float, str]:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        return (1, 0.0, text) if math.isnan(value) else (0, value, text)  # nan is neither below nor above a number

    return tuple(sorted(dict.fromkeys(map(str, labels.unique())), key=key))
