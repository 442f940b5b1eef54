"""The members of a teacher: what each of them saw of a run's samples, and which of them teach a row; free of torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.errors import RunError, listing
from imbalkit.kinds import Teacher
from imbalkit.runs.data_record import RECORD, below, largest_of, read_record
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.data.split import Split

UNSEEN, TESTED, VALIDATED, TRAINED = range(4)  # what a member did with a sample
_CODES = {"test": TESTED, "validation": VALIDATED, "train": TRAINED}


@dataclass(frozen=True)
class Member:
    """A network of a teacher.

    Attributes:
        folder: its run folder
        saw: what it did with each of the student's samples, int8 [samples]: UNSEEN, TESTED, VALIDATED or TRAINED
        same_groups: samples whose group has the name of one that it was trained on
    """

    folder: Path
    saw: np.ndarray
    same_groups: int = 0


@dataclass(frozen=True)
class Lesson:
    """Which members of a teacher teach which rows, and what that leaks.

    Attributes:
        teacher: of the recipe
        members: those that may teach
        rows: the student's training samples, int64 [n]
        teaches: which members teach which of `rows`, bool [members, n]; the mean of their probabilities counts
        leaked: samples of "validation" and "test" of the student that a member in use trained on
        held_out: how many samples these are of
        shared: samples of the student that are among those of a member
    """

    teacher: Teacher
    members: tuple[Member, ...]
    rows: np.ndarray
    teaches: np.ndarray
    leaked: dict[str, int]
    held_out: dict[str, int]
    shared: int

    @property
    def levels(self) -> np.ndarray:
        """The most that a member which teaches a row did with it, int8 [n]."""
        saw = np.stack([member.saw[self.rows] for member in self.members])
        return np.where(self.teaches, saw, UNSEEN).max(axis=0, initial=UNSEEN)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are taught by members that did not see them, tested, validated or trained on them."""
        names = ("unseen", "test", "validation", "train")
        return dict(zip(names, np.bincount(self.levels, minlength=4).tolist(), strict=True))

    @property
    def in_sample(self) -> int:
        """Rows whose teachers trained on them."""
        return self.counts["train"]

    @property
    def is_refused(self) -> bool:
        """Whether it neither keeps the test clean nor, for that, teaches every row out of fold."""
        return bool(self.leaked["test"] and self.in_sample) and not self.teacher.allow_overlap

    @property
    def notes(self) -> list[str]:
        """What a reader must know."""
        run, total = self.teacher.run, len(self.rows)
        found = []
        if not self.shared:
            found.append(
                f"no sample of this run was found among those of the teacher {run}, by path or content: it is taken to be of "
                "other data, which nothing here can check"
            )
            if same := max(member.same_groups for member in self.members):
                found.append(
                    f"{same:,} samples of this run are of groups (patients, lesions) whose names the teacher {run} was trained "
                    "on: if these are the same patients and not only the same names, its metrics may be too good"
                )
        if self.in_sample:
            found.append(
                f"the teacher {run} trained on {self.in_sample:,} of {total:,} training rows itself, and is surer of them than "
                "of new pictures: the student learns that, too"
            )
        if chose := self.counts["validation"]:
            found.append(
                f"{chose:,} of {total:,} training rows are taught by a network of {run} whose epoch and decision they chose, as "
                "no other of it was without them"
            )
        return [*found, *([self.leak] if self.leak else [])]

    @property
    def leak(self) -> str:
        """Why the student's metrics may be too good; "" if nothing speaks for it."""
        parts = [f"{count:,} of {self.held_out[split]:,} {split} rows" for split, count in self.leaked.items() if count]
        if not parts:
            return ""
        return (
            f"the teacher {self.teacher.run} trained on {' and '.join(parts)} of this run, whose metrics may therefore be too "
            "good (what the teacher knows of them reaches the student through other rows); for a clean comparison take `members: "
            "same_split` with the same folds, or a teacher that never saw them"
        )


def member_folders(folder: Path) -> list[Path]:
    """The run folders of a teacher's members: of a run itself, of the folds of a cross-validation, of an ensemble's runs.

    Raises RunError for what is no finished run.
    """
    members = RunData(folder).members
    return [found for member in members for found in member_folders(member)] if members else [folder]


def find_members(
    teacher: Teacher, classes: Sequence[str], now: pd.DataFrame, columns: Collection[str] = ()
) -> list[Member]:
    """The members of a teacher, and what they saw of the student's samples.

    Args:
        teacher: of the recipe
        classes: of the student
        now: the student's samples (imbalkit.runs.data_record.record_of)
        columns: of the student's table

    Raises:
        RunError: no finished run, other classes, columns that the table lacks, no weights, no record of its data, views that
            its images do not have
    """
    members = []
    for folder in member_folders(Path(teacher.run).expanduser()):
        run = RunData(folder)
        known, encoding = run.classes, run.encoding
        if set(known) != set(classes):
            raise RunError(f"{folder} tells other classes apart: expected {listing(classes)}, it has {listing(known)}")
        lacking = [] if encoding is None else [name for name in encoding.names if name not in columns]
        if lacking:
            raise RunError(f"{folder} takes columns beside the image, and the data have no {listing(lacking)}")
        run.check_network()
        height, width, *_ = run.facts.get("image_shape") or (0, 0)
        if teacher.views == "dihedral" and height != width:
            raise RunError(
                f"{folder} takes images of {height} x {width} px: dihedral turns them by a quarter and needs square images "
                "(flips does not)"
            )
        record = read_record(folder / RECORD)
        if record is None or "split" not in record:
            raise RunError(f"{folder / RECORD} is not there, which says what rows it trained on: train it again")
        members.append(Member(folder, seen(record, now), same_groups(record, now)))
    return members


def seen(record: pd.DataFrame, now: pd.DataFrame) -> np.ndarray:
    """What a run did with samples, int8 [n], the most where several of its own are the same picture or of one group.

    Samples are the same by path, by path below their common folder where no path is, or by content.

    Args:
        record: of the run, with `split`
        now: the samples
    """
    codes = record["split"].map(_CODES).fillna(UNSEEN).to_numpy(np.int8)
    found = np.zeros(len(now), dtype=np.int8)
    if "path" in record and "path" in now:
        by_path = largest_of(record["path"], codes, now["path"])
        if not by_path.any():
            by_path = largest_of(below(_index(record["path"])), codes, below(_index(now["path"])))
        found = np.maximum(found, by_path)
    if "content" in record and "content" in now:
        read = record["content"].to_numpy() != 0  # 0: cannot be read
        found = np.maximum(found, largest_of(record["content"][read], codes[read], now["content"]))
    if "group" in now:
        group, has = now["group"], now["group"].notna().to_numpy()
        if "group" in record and found.any():  # the same data: a name means the same group
            named = record["group"].notna().to_numpy()
            found = np.maximum(found, np.where(has, largest_of(record["group"][named], codes[named], group), UNSEEN))
        found[has] = np.maximum(found[has], largest_of(group[has], found[has], group[has]))
    return found.astype(np.int8)


def same_groups(record: pd.DataFrame, now: pd.DataFrame) -> int:
    """How many samples are of a group whose name a run was trained on. Arguments as `seen`."""
    if "group" not in record or "group" not in now:
        return 0
    trained = record.loc[record["split"] == "train", "group"].dropna()
    return int(now["group"].isin(trained).sum())


def _index(values: pd.Series) -> pd.Index:
    import pandas as pd

    return pd.Index(values)


def plan_lesson(teacher: Teacher, members: Sequence[Member], split: Split, rows: np.ndarray) -> Lesson:
    """Which members teach which rows.

    A row is taught by those that did not train on it, of these rather by those that did not choose their epoch by it, and where
    all trained on it by all of them.

    Args:
        teacher: of the recipe
        members: of it
        split: of the student
        rows: its training samples, int64 [n]

    Raises:
        RunError: no member is without the student's validation and test rows, where only such may teach
    """
    if teacher.members == "same_split":
        others = np.concatenate([split.validation, split.test])
        members = [member for member in members if not (member.saw[others] == TRAINED).any()]
        if not members:
            raise RunError(
                f"no member of {teacher.run} trained without the validation and test rows of this run: expected one with the "
                "same split, such as the same fold of the same folds and split.seed"
            )
    saw = np.stack([member.saw[rows] for member in members])
    level = np.where(saw == UNSEEN, TESTED, saw)
    teaches = level == level.min(axis=0)
    used = [member for member, row in zip(members, teaches, strict=True) if row.any()]
    trained = np.any([member.saw == TRAINED for member in used], axis=0) if used else np.zeros(len(saw), bool)
    held_out = {"validation": split.validation, "test": split.test}
    return Lesson(
        teacher,
        tuple(members),
        rows,
        teaches,
        {name: int(trained[samples].sum()) for name, samples in held_out.items()},
        {name: len(samples) for name, samples in held_out.items()},
        int(np.any([member.saw != UNSEEN for member in members], axis=0).sum()),
    )


def refusal(lesson: Lesson) -> str:
    """What to say of a lesson that is refused."""
    return (
        f"the teacher {lesson.teacher.run} trained on {lesson.leaked['test']:,} of the {lesson.held_out['test']:,} test rows, "
        "which would make the test metrics too good. Take a teacher of the same split (split.seed, folds and fold, or column), a "
        "cross-validation, whose members teach the rows that they did not train on, or one of other data; or say "
        "`allow_overlap: true`, and the report says so"
    )
