"""What several runs say of rows that they were not trained on, found in their data records: nothing is predicted again.

A row is the same in two runs that has the same path (below the folder of all files, which may have moved) or, without one,
the same content. A run has seen a row as far as it has seen any row of its group (patient, lesion), whichever of the runs
knows of the group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.errors import RunError
from imbalkit.functional.ensembles import log_mean
from imbalkit.runs.data_record import below, largest_of
from imbalkit.runs.members import TRAIN, Member, Members

if TYPE_CHECKING:
    import pandas as pd

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class HeldOutRows:
    """Rows of a data record, and what each member gave for those that it was not trained on.

    Attributes:
        members: the runs
        seen: how much each member has seen of each row, int8 [M, n]: a place in members.SPLITS
        logits: of each member's network, float64 [M, n, C]; NaN where it was trained on a row, or has not predicted it
        places: where each row stands in a member's predictions.parquet, int64 [M, n]; -1 where it does not
        by_group: rows that a member held out itself, and that count as trained on for others of their group, bool [M, n]
    """

    members: Members
    seen: np.ndarray
    logits: np.ndarray
    places: np.ndarray
    by_group: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Which members say something of a row, bool [M, n]."""
        return ~np.isnan(self.logits).any(axis=2)

    @cached_property
    def log_mean(self) -> np.ndarray:
        """log of the mean restored probability over the members that say something of a row, float64 [n, C]; NaN without any."""
        logs, known = np.zeros(self.logits.shape), self.known
        for number in range(len(self.members)):
            logs[number, known[number]] = self.members.log_probabilities(number, self.logits[number, known[number]])
        return log_mean(logs, known)

    def completed(self, member: int, rows: np.ndarray, logits: np.ndarray) -> HeldOutRows:
        """With the logits of a member for more rows [m], float [m, C]."""
        more = self.logits.copy()
        more[member, rows] = logits
        return replace(self, logits=more)


def held_out_rows(members: Members, record: pd.DataFrame) -> HeldOutRows:
    """What the members say of the rows of a data record (`imbalkit.runs.data_record.record_of`).

    Raises RunError for rows that have another label or other content in a member's data, and for data that cannot be matched.
    """
    seen = np.zeros((len(members), len(record)), dtype=np.int8)
    logits = np.full((len(members), len(record), len(members.classes)), np.nan)
    rows = np.full(seen.shape, NOWHERE)
    found = [places(record, member) for member in members.runs]
    groups = _groups(record, members, found)
    by_group = np.zeros(seen.shape, dtype=bool)
    for number, (member, place) in enumerate(zip(members.runs, found, strict=True)):
        own = _seen(record, member, place)
        seen[number] = np.max([own, *(largest_of(names, own, names) for names in groups)], axis=0)
        by_group[number] = (seen[number] == TRAIN) & (own < TRAIN) & (place != NOWHERE)
        samples, given = member.logits
        row_of = np.full(len(member.record) + 1, NOWHERE)  # the last one stands for rows that are nowhere
        row_of[samples] = np.arange(len(samples))
        rows[number] = np.where(seen[number] < TRAIN, row_of[place], NOWHERE)
        said = rows[number] != NOWHERE
        logits[number, said] = given[rows[number, said]]
    return HeldOutRows(members, seen, logits, rows, by_group)


def untrained_probabilities(members: Members, record: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """For rows of a data record the mean restored probabilities of the members that were not trained on them.

    What a teacher may say of the rows that a student is trained on: all members at one class prior (`members.as_trained` says
    which).

    Returns:
        probabilities, float64 [n, C], NaN where every member was trained on a row or has not predicted it; and how many members
        they are of, int [n]

    Raises:
        RunError: rows with another label or other content than in a member's data, data that cannot be matched
    """
    found = held_out_rows(members, record)
    return np.exp(found.log_mean), found.known.sum(axis=0)


def places(record: pd.DataFrame, member: Member) -> np.ndarray:
    """Where each row of a record stands in a member's data, int64 [n]; -1 for a row that is not there. Raises RunError."""
    theirs = member.record
    if not any(name in record and name in theirs for name in ("path", "content")):
        raise RunError(
            f"the data of {member.name} cannot be matched with those of the other runs: some have image files, others arrays, so "
            "that it is not known which rows it was trained on"
        )
    place = np.full(len(record), NOWHERE)
    if "path" in record and "path" in theirs:
        place = _by_path(record, theirs)
    if "content" in record and "content" in theirs:
        rest = np.flatnonzero((place == NOWHERE) & (record["content"] != 0).to_numpy())
        place[rest] = _found(record["content"].iloc[rest], theirs["content"], lambda keys: keys)
    _refuse_other_rows(record, theirs, place, member)
    return place


def _by_path(record: pd.DataFrame, theirs: pd.DataFrame) -> np.ndarray:
    place = _found(record["path"], theirs["path"], lambda keys: keys)
    return place if (place != NOWHERE).any() else _found(record["path"], theirs["path"], below)


def _found(rows: pd.Series, theirs: pd.Series, key: Callable[[pd.Index], pd.Index]) -> np.ndarray:
    """Places of rows among theirs by a key; of several with one key the first, second, ... to the first, second, ..."""
    import pandas as pd

    def numbered(column: pd.Series) -> pd.MultiIndex:
        keys = pd.Series(key(pd.Index(column)))
        return pd.MultiIndex.from_arrays([keys, keys.groupby(keys).cumcount()])

    return numbered(theirs).get_indexer(numbered(rows)).astype(np.int64)


def _refuse_other_rows(record: pd.DataFrame, theirs: pd.DataFrame, place: np.ndarray, member: Member) -> None:
    rows = np.flatnonzero(place != NOWHERE)
    for column, what in (("label", "another label"), ("content", "other content")):
        if column not in record or column not in theirs:
            continue
        other = record[column].to_numpy()[rows] != theirs[column].to_numpy()[place[rows]]
        if column == "content":
            other &= (record[column].to_numpy()[rows] != 0) & (theirs[column].to_numpy()[place[rows]] != 0)
        if other.any():
            row = rows[int(np.argmax(other))]
            name = record["path"].iloc[row] if "path" in record else f"sample {row}"
            raise RunError(
                f"{int(other.sum()):,} rows have {what} in the data of {member.name} than in those of the first run, such as "
                f"{name}: expected runs on the same data, or on data that share no rows"
            )


def _seen(record: pd.DataFrame, member: Member, place: np.ndarray) -> np.ndarray:
    """How much a member has seen of each row, or of rows of the same group that only it has, int8 [n]."""
    seen = np.append(member.seen, 0).astype(np.int8)[place]
    if "group" in record and "group" in member.record:
        of_group = largest_of(member.record["group"], member.seen, record["group"])
        # Of rows that it has, its own split stands where that was told to divide groups.
        asked = slice(None) if _kept_together(member.record) is not None else place == NOWHERE
        seen[asked] = np.maximum(seen, of_group)[asked]
    return seen


def _groups(record: pd.DataFrame, members: Members, found: list[np.ndarray]) -> list[pd.Series]:
    """Names of groups of a record's rows: its own, and those that a member has for the same rows."""
    own = _kept_together(record)
    groups = [] if own is None else [own]
    for member, place in zip(members.runs, found, strict=True):
        theirs = _kept_together(member.record)
        if theirs is not None:
            groups.append(theirs.reset_index(drop=True).reindex(place))
    return groups


def _kept_together(record: pd.DataFrame) -> pd.Series | None:
    """The groups of a record; None without, or where its own split divides them (`split.group: false`)."""
    if "group" not in record or record["group"].isna().all():
        return None
    used = record[record["split"] != ""] if "split" in record else record.assign(split="")
    if (used.groupby("group")["split"].nunique() > 1).any():
        return None
    return record["group"]
