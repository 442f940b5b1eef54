"""Guesses which columns of a user's table hold paths, labels, groups and splits."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.errors import DataError, listing

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.inspection import Findings

_LABELS = ("label", "labels", "class", "class_name", "classname", "class_label", "target", "y")
_LESS_SURE = ("category", "diagnosis", "dx", "outcome", "type", "species", "benign_malignant", "disease")
_NOT_LABELS = ("sex", "gender", "age", "split", "set", "fold", "view", "side", "site", "laterality", "localization")
_GROUPS = re.compile(
    r"patient|subject|person|lesion|group|case|study|animal|plant|specimen|individual|slide|site", re.I
)
_SPLIT = re.compile(r"split|set|fold|partition|subset|phase", re.I)
_MOST_CLASSES = 100


def inspect_table(path: Path, root: Path | None, label: str | None) -> Findings:
    """The dataset part that reads a table, with the columns guessed. Raises DataError where nothing fits."""
    from imbalkit.datasets.table import TableDataset, check_columns, read_table
    from imbalkit.inspection import Findings

    file = path.expanduser()
    header = read_table(file).columns
    text = read_table(file, text=header).fillna("")  # every column as the file spells it
    if not len(text):
        raise DataError(f"{file.absolute()} has no rows below its header")
    if label is not None:
        check_columns(text, [label], file)
    parameters: dict[str, Any] = {"file": str(path), **_paths(text, file, root)}
    fields = re.findall(r"{(\w+)}", parameters.get("path_template", "")) or [parameters["path_column"]]
    others = text.drop(columns=fields)
    splits = [name for name in others if _is_split(name, others[name])]
    labels = [label] if label else label_candidates(others.drop(columns=splits))
    if not labels:
        one_hot = _one_hot(others)
        raise DataError(
            f"no column of {file.absolute()} looks like labels (2 to {_MOST_CLASSES} different values, none missing)"
            + (
                f"; {listing(one_hot)} hold one 0/1 column a class: make one column of class names from them"
                if one_hot
                else ""
            )
            + f"; name one with --label (columns: {listing(header, 30)})"
        )
    groups = group_candidates(others.drop(columns=[*splits, labels[0]]), others[labels[0]])
    parameters["label_column"] = labels[0]
    hints = []
    if splits:
        parameters["split_column"] = splits[0]
        torn = {name: _torn(others[name], others[splits[0]]) for name in groups}
        hints = [f"{n} values of {name!r} are on two sides of {splits[0]!r}" for name, n in torn.items() if n]
        groups = [name for name in groups if not torn[name]]  # the engine refuses the others
    if groups:
        parameters["group_column"] = groups[0]
    if set(others[labels[0]]) == {"0", "1"} and labels[0].lower() not in _LABELS:
        parameters["labels"] = {"0": "other", "1": labels[0]}
    part = TableDataset(**parameters)
    found = Findings(part, part.load(), labels, groups, hints=hints)
    for name in text:
        if _GROUPS.search(str(name)) and name not in (*groups, *labels) and text[name].replace("", None).is_unique:
            found.hints.append(f"column {name!r} holds a value of its own in every row: no groups to keep together")
    return found


def label_candidates(text: pd.DataFrame) -> list[str]:
    """Columns that may hold the labels, the likeliest first, given every column as text."""
    ranks = []
    for position, name in enumerate(text):
        values, low = text[name], str(name).lower()
        distinct = values.nunique()
        if not 2 <= distinct <= min(_MOST_CLASSES, len(values) / 2) or (values == "").any():
            continue
        if low in _LABELS:
            rank: float = _LABELS.index(low) / 100
        elif low in _NOT_LABELS or low.startswith("unnamed") or _one_number_many(values):
            continue
        elif set(values) == {"0", "1"}:
            rank = 1
        else:
            rank = 2 + _LESS_SURE.index(low) / 100 if low in _LESS_SURE else 3
        ranks.append((rank, distinct, position, name))
    if len(ranks) > 2 and _one_hot(text) and not any(rank < 1 for rank, *_ in ranks):
        return []
    return [name for *_, name in sorted(ranks)]


def group_candidates(text: pd.DataFrame, labels: pd.Series) -> list[str]:
    """Columns of ids that several rows share (patient, lesion), the coarsest of the telling names first."""
    ranks = []
    for name in text:
        values = text[name][text[name] != ""]
        distinct = values.nunique()
        # Fewer groups than this cannot be split three ways with every class on each side.
        if len(values) < len(text) / 10 or distinct == len(values) or distinct < 5:
            continue
        if labels[values.index].groupby(values).nunique().eq(0).any() or _spread(values, labels) < 3:
            continue
        named = bool(_GROUPS.search(str(name)))
        # Numbers under a name that tells nothing are measurements, such as an age.
        ids = not values.str.fullmatch(r"-?\d*\.?\d+").all() and distinct >= max(20, len(values) / 20)
        if (named and distinct >= 10) or ids:
            ranks.append((not named, distinct, name))
    return [name for *_, name in sorted(ranks)]


def _spread(values: pd.Series, labels: pd.Series) -> int:
    """The fewest groups that any class occurs in."""
    return int(values.groupby(labels[values.index]).nunique().reindex(labels.unique(), fill_value=0).min())


def _torn(values: pd.Series, split: pd.Series) -> int:
    """How many groups have rows on more than one side."""
    known = values != ""
    return int((split[known].groupby(values[known]).nunique() > 1).sum())


def _one_number_many(values: pd.Series) -> bool:
    """A measurement rather than a class: fractions, or more than 20 different numbers."""
    if values.str.fullmatch(r"-?\d+\.\d*[1-9]\d*").any():
        return True
    return bool(values.str.fullmatch(r"-?\d+(\.0)?").all()) and values.nunique() > 20


def _one_hot(text: pd.DataFrame) -> list[str]:
    """Columns of 0 and 1 of which exactly one is 1 in every row."""
    columns = [name for name in text if text[name].isin(["0", "1", "0.0", "1.0"]).all()]
    ones = text[columns].isin(["1", "1.0"]).sum(axis=1)
    return columns if len(columns) > 2 and (ones == 1).all() else []


def _is_split(name: Any, values: pd.Series) -> bool:
    from imbalkit.datasets.common import SPLITS

    found = {SPLITS.get(value.strip().lower()) for value in values.unique()}
    return bool(_SPLIT.search(str(name))) and len(found) > 1 and None not in found and "train" in found


def _paths(text: pd.DataFrame, file: Path, root: Path | None) -> dict[str, str]:
    """path_column or path_template, and root where it is not the table's folder."""
    from imbalkit_lite.folders import list_images

    base = (root.expanduser() if root else file.parent) or Path()
    images = list_images(base)
    known = set(images)
    folders: dict[str, Counter[str]] = defaultdict(Counter)  # file name -> folders below base
    stems: dict[str, list[str]] = defaultdict(list)
    for image in images:
        folder, _, name = image.rpartition("/")
        folders[name][folder] += 1
        stems[os.path.splitext(name)[0]].append(image)
    sample = text.iloc[:: max(1, len(text) // 500)]
    best: tuple[float, dict[str, str]] = (0.0, {})
    for column in text:
        values = [value for value in sample[column] if value]
        if not values or len(set(values)) < len(values) / 4:
            continue
        for share, extra in _matches(column, values, known, folders, stems):
            if share > best[0]:
                place = os.path.join(base, extra.pop("below", "")) if "below" in extra else str(base)
                if os.path.abspath(place) != os.path.abspath(file.parent):
                    extra["root"] = place
                best = (share, extra)
    if best[0] < 0.5:
        raise DataError(
            f"no column of {file.absolute()} holds the paths or names of images; {len(images)} images were found below "
            f"{base.absolute()}: name their folder with --root (columns: {listing(text.columns, 30)})"
        )
    return best[1]


def _matches(column: str, values: list[str], known: set[str], folders: Any, stems: Any) -> list[tuple[float, dict]]:
    """How well a column names the images: (share of values found, parameters)."""
    found: list[tuple[float, dict]] = []
    whole = sum(value in known or (os.path.isabs(value) and os.path.isfile(value)) for value in values)
    found.append((whole / len(values), {"path_column": column}))
    # By file name, from the folder that most of them are in.
    tails: Counter[str] = Counter()
    for value in values:
        head, _, name = value.rpartition("/")
        for folder in folders.get(name, ()):
            if head == "" or folder == head or folder.endswith(f"/{head}"):
                tails[folder[: len(folder) - len(head)].rstrip("/")] += 1
    if tails:
        below, count = tails.most_common(1)[0]
        found.append((count / len(values) - 1e-6, {"path_column": column, "below": below}))
    if re.fullmatch(r"\w+", str(column)):
        ways: Counter[tuple[str, str]] = Counter()
        for value in values:
            for image in stems.get(value, ()):
                folder, _, name = image.rpartition("/")
                ways[folder, os.path.splitext(name)[1]] += 1
        if ways:
            (below, ending), count = ways.most_common(1)[0]
            found.append((count / len(values) - 2e-6, {"path_template": f"{{{column}}}{ending}", "below": below}))
    return found
