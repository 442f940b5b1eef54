"""Guesses which columns of a user's table hold paths, labels, groups and splits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.data.group_checks import group_cautions
from imbalkit.data.labels import finding_labels
from imbalkit.data.split_names import SPLITS, mentions_split
from imbalkit.data.table_files import check_columns, read_table
from imbalkit.errors import DataError, listing
from imbalkit.inspection.findings import Findings, data_set
from imbalkit.inspection.finer_labels import finer_labels
from imbalkit.inspection.group_columns import group_candidates, group_kind, torn, unused_groups
from imbalkit.inspection.image_columns import has_no_images, image_paths
from imbalkit.inspection.label_columns import (
    LABEL_NAMES,
    MOST_CLASSES,
    label_candidates,
    no_one_hot,
    one_hot_columns,
    passed_over,
    take_finding,
)
from imbalkit.inspection.numbers_as_text import NUMBER
from imbalkit_lite.parquet import class_names
from imbalkit_lite.paths import local_path

if TYPE_CHECKING:
    import pandas as pd

_SPLIT = re.compile(r"split|set|fold|partition|subset|phase", re.I)
_MOST_SPLITS = 20  # values of a column that may be a given split


def inspect_table(path: Path, root: Path | None, label: str | None) -> Findings:
    """The dataset part that reads a table, with the columns guessed. Raises DataError where nothing fits."""
    file = Path(local_path(str(path)))
    header = read_table(file).columns
    text = read_table(file, text=header).fillna("")  # every column as the file spells it
    if not len(text):
        raise DataError(f"{file.absolute()} has no rows below its header")
    if label is not None:
        check_columns(text, [label], file)
    _refuse_no_header(text, file, label)
    parameters: dict[str, Any] = {"file": str(path)}
    without_images = root is None and has_no_images(text, file)
    parameters |= {} if without_images else image_paths(text, file, root)
    fields = re.findall(r"{(\w+)}", parameters.get("path_template", ""))
    fields += [] if fields or without_images else [parameters["path_column"]]
    others = text.drop(columns=fields)
    splits = [name for name in others if _is_split(name, others[name])]
    candidates = others.drop(columns=splits)
    guesses = label_candidates(candidates)
    labels = [label] if label else guesses
    hints = [] if splits else _unknown_splits(candidates)
    one_hot = one_hot_columns(candidates)
    columns = [] if label or (labels and labels[0].lower() in LABEL_NAMES) else one_hot
    if columns and without_images:
        raise DataError(
            f"{file.absolute()} has the classes in columns of 0 and 1 ({listing(columns, 30)}), and no images: name the one that "
            "is to be told from the rest with --label"
        )
    if columns:
        parameters["label_columns"] = labels = columns
    elif labels:
        parameters["label_column"] = labels[0]
        hints += [] if label else passed_over(candidates, guesses)
        if gaps := int((others[labels[0]] == "").sum()):
            parameters["missing_labels"] = [""]
            hints.append(f"{gaps:,} rows have no {labels[0]!r}: the recipe leaves them out (`missing_labels`)")
        hints += [] if without_images else take_finding(parameters, others[labels[0]])
        hints += [] if label else no_one_hot(candidates, labels[0])
    else:
        hints += passed_over(candidates, guesses)
        raise DataError(
            f"no column of {file.absolute()} looks like labels (2 to {MOST_CLASSES} different values, none missing); name one "
            f"with --label (columns: {listing(header, 30)})" + "".join(f"; {hint}" for hint in hints)
        )
    if "finding" in parameters:
        classes = finding_labels(others[labels[0]], parameters["finding"], parameters.get("label_separator"))
    else:
        classes = others[labels].agg(" ".join, axis=1) if columns else others[labels[0]]
    labelled = classes != ""
    rows = others[labelled].drop(columns=[*splits, *(columns or labels[:1])])
    groups = group_candidates(rows, classes[labelled])
    if not splits:
        hints += unused_groups(rows, classes[labelled], groups)
    else:
        parameters["split_column"] = splits[0]
        divided = {name: torn(others[name], others[splits[0]]) for name in groups}
        hints += [f"{n} values of {name!r} are in two splits of {splits[0]!r}" for name, n in divided.items() if n]
        groups = [name for name in groups if not divided[name]]  # the engine refuses the others
    if groups:
        parameters["group_column"] = groups[0]
    if without_images:
        hints += _leave_out(parameters, candidates, labels[0], one_hot, groups)
    if names := class_names(file, labels[0]):
        parameters["labels"] = names
    elif not columns and set(others[labels[0]]) - {""} == {"0", "1"} and labels[0].lower() not in LABEL_NAMES:
        parameters["labels"] = {"0": "other", "1": labels[0]}
    part = data_set("features" if without_images else "table", **parameters)
    named = labels[:1] if columns else [labels[0], *(name for name in labels[1:] if name not in groups)]
    found = Findings(part, part.load(), named, groups, hints=hints)
    for name in others:
        used = (*groups, *(columns or labels[:1]))
        if group_kind(str(name)) is not None and name not in used and others[name].nunique() >= 10:
            cautions = group_cautions(others[name].where(others[name] != ""))
            found.hints += [f"column {name!r} as groups: {caution}" for caution in cautions]
    for name in text:
        own = group_kind(str(name)) is not None and text[name].replace("", None).is_unique
        if own and name not in (*groups, *labels):
            found.hints.append(f"column {name!r} holds a value of its own in every row: no groups to keep together")
    if not columns and "finding" not in parameters and found.positive is not None:
        names = parameters.get("labels", {})
        asked = others[labels[0]].map(lambda value: names.get(value, value)) == found.positive
        found.finer = finer_labels(candidates[[name for name in guesses if name != labels[0]]], asked)
    return found


def _refuse_no_header(text: pd.DataFrame, file: Path, label: str | None) -> None:
    """Raise DataError where the first row is data: most names are numbers, or the labels are named as one of them is."""
    names = [re.sub(r"\.\d+$", "", str(name)) for name in text]  # pandas numbers what it has read before
    numbers = [name for name in names if re.fullmatch(NUMBER, name.strip("\"'"))]
    counted = len(numbers) > 2 and numbers == [str(int(float(numbers[0])) + place) for place in range(len(numbers))]
    if label is not None or counted:
        return
    guesses = label_candidates(text)
    named = bool(guesses) and re.sub(r"\.\d+$", "", guesses[0]) in set(text[guesses[0]])
    if len(numbers) > len(names) / 2 or named:
        raise DataError(
            f"the first row of {file.absolute()} looks like data, not like column names ({listing(map(str, text))}): put a row "
            "with a name for each column above it"
        )


def _leave_out(
    parameters: dict[str, Any], text: pd.DataFrame, label: str, one_hot: list[str], groups: list[str]
) -> list[str]:
    """Take columns that say the label out of the inputs, and report them: classes beside it, and finer or coarser labels.

    Raises DataError where no other column is left.
    """
    known = text[text[label] != ""]
    classes = known[label].nunique()
    telling = list(one_hot) if label in one_hot else []
    for name in text.columns.difference([label, *groups], sort=False):
        values = known[name].nunique()
        few = 1 < values <= min(MOST_CLASSES, len(known) / 10)
        if few and len(known[[name, label]].drop_duplicates()) in (values, classes):
            telling.append(str(name))
    telling = [name for name in dict.fromkeys(telling) if name != label]
    if not telling:
        return []
    inputs = parameters["columns"] = [str(name) for name in text if name not in (label, *groups[:1], *telling)]
    if not inputs:
        raise DataError(
            f"nothing is left to learn {label!r} from: it can be read off {listing(telling, 30)}, and there is no more"
        )
    return [
        f"{listing(telling, 30)}: {label!r} can be read off (finer or coarser labels, or classes beside it), and the "
        "recipe leaves them out of the inputs (`columns`)"
    ]


def _is_split(name: Any, values: pd.Series) -> bool:
    found = {SPLITS.get(value.strip().lower()) for value in values.unique()}
    return bool(_SPLIT.search(str(name))) and len(found) > 1 and None not in found and "train" in found


def _unknown_splits(text: pd.DataFrame) -> list[str]:
    """What to say of columns that look like given splits, but in words that are not known."""
    hints = []
    for name, values in text.items():
        found = sorted({value.strip() for value in values.unique() if value.strip()})
        words = set(re.split(r"[\W_]+", str(name).lower()))
        named = words & {"split", "splits", "fold", "folds", "partition"} or mentions_split(str(name))
        if 2 <= len(found) <= _MOST_SPLITS and (named or {value.lower() for value in found} & set(SPLITS)):
            hints.append(
                f"column {name!r} ({listing(map(repr, found))}) looks like a given split in words that are not known "
                f"(known: {listing(SPLITS, 20)}): the recipe draws a new split, in which given test rows may be trained "
                "on; to keep the given one, make a column of the known words, and set `data.split_column` and `split.column`"
            )
    return hints
