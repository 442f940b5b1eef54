"""Guesses which columns of a user's table hold paths, labels, groups and splits."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter, defaultdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.data.group_checks import group_cautions
from imbalkit.data.label_checks import chosen_finding, findings_of, separator_of
from imbalkit.data.labels import finding_labels, is_one
from imbalkit.data.paths import existing_path
from imbalkit.data.split_names import SPLITS, mentions_split
from imbalkit.data.table_files import check_columns, read_table
from imbalkit.errors import DataError, listing
from imbalkit.inspection.findings import Findings, data_set
from imbalkit.inspection.finer_labels import finer_labels
from imbalkit_lite.containers import is_container, is_remote, join_address, member_problem, split_address
from imbalkit_lite.formats import EXTENSIONS
from imbalkit_lite.parquet import class_names
from imbalkit_lite.paths import local_path, other_system

if TYPE_CHECKING:
    import pandas as pd

LABEL_NAMES = ("label", "labels", "class", "class_name", "classname", "class_label", "target", "y")
_LESS_SURE = ("category", "diagnosis", "dx", "outcome", "type", "species", "benign_malignant", "disease")
_NOT_LABELS = ("sex", "gender", "age", "split", "set", "fold", "view", "side", "site", "laterality", "localization")
_GROUPS = re.compile(
    r"patient|subject|person|lesion|group|case|study|animal|plant|specimen|individual|slide|site", re.I
)
_SPLIT = re.compile(r"split|set|fold|partition|subset|phase", re.I)
# Decimal commas, and commas between thousands, too.
_NUMBER = r"[+-]?\d*[.,]?\d+(?:[eE][+-]?\d+)?|[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?"
_MOST_CLASSES = 100
_MOST_SPLITS = 20  # values of a column that may be a given split
_TABLES = (".csv", ".tsv", ".parquet", ".pq")
_NEARLY = 0.98  # share of the rows with a single 1, from which columns of 0 and 1 are taken for one class each


def inspect_table(path: Path, root: Path | None, label: str | None) -> Findings:
    """The dataset part that reads a table, with the columns guessed. Raises DataError where nothing fits."""
    file = Path(local_path(str(path)))
    header = read_table(file).columns
    text = read_table(file, text=header).fillna("")  # every column as the file spells it
    if not len(text):
        raise DataError(f"{file.absolute()} has no rows below its header")
    if label is not None:
        check_columns(text, [label], file)
    parameters: dict[str, Any] = {"file": str(path)}
    without_images = root is None and has_no_images(text, file)
    parameters |= {} if without_images else _paths(text, file, root)
    fields = re.findall(r"{(\w+)}", parameters.get("path_template", ""))
    fields += [] if fields or without_images else [parameters["path_column"]]
    others = text.drop(columns=fields)
    splits = [name for name in others if _is_split(name, others[name])]
    candidates = others.drop(columns=splits)
    guesses = label_candidates(candidates)
    labels = [label] if label else guesses
    hints = [] if splits else _unknown_splits(candidates)
    columns = [] if label or without_images else one_hot_columns(candidates)
    if columns and not (labels and labels[0].lower() in LABEL_NAMES):
        parameters["label_columns"] = labels = columns
    elif labels:
        parameters["label_column"] = labels[0]
        hints += [] if without_images else _finding(parameters, others[labels[0]])
        hints += [] if label else _no_one_hot(candidates, labels[0])
    else:
        raise DataError(
            f"no column of {file.absolute()} looks like labels (2 to {_MOST_CLASSES} different values, none missing); name one "
            f"with --label (columns: {listing(header, 30)})"
        )
    if "finding" in parameters:
        classes = finding_labels(others[labels[0]], parameters["finding"], parameters.get("label_separator"))
    else:
        classes = others[labels].agg(" ".join, axis=1) if columns else others[labels[0]]
    groups = group_candidates(others.drop(columns=[*splits, *(columns or labels[:1])]), classes)
    if splits:
        parameters["split_column"] = splits[0]
        torn = {name: _torn(others[name], others[splits[0]]) for name in groups}
        hints += [f"{n} values of {name!r} are in two splits of {splits[0]!r}" for name, n in torn.items() if n]
        groups = [name for name in groups if not torn[name]]  # the engine refuses the others
    if groups:
        parameters["group_column"] = groups[0]
    if names := class_names(file, labels[0]):
        parameters["labels"] = names
    elif not columns and set(others[labels[0]]) == {"0", "1"} and labels[0].lower() not in LABEL_NAMES:
        parameters["labels"] = {"0": "other", "1": labels[0]}
    part = data_set("features" if without_images else "table", **parameters)
    named = labels[:1] if columns else [labels[0], *(name for name in labels[1:] if name not in groups)]
    found = Findings(part, part.load(), named, groups, hints=hints)
    for name in others:
        used = (*groups, *(columns or labels[:1]))
        if _GROUPS.search(str(name)) and name not in used and others[name].nunique() >= 10:
            cautions = group_cautions(others[name].where(others[name] != ""))
            found.hints += [f"column {name!r} as groups: {caution}" for caution in cautions]
    for name in text:
        if _GROUPS.search(str(name)) and name not in (*groups, *labels) and text[name].replace("", None).is_unique:
            found.hints.append(f"column {name!r} holds a value of its own in every row: no groups to keep together")
    if not columns and "finding" not in parameters and found.positive is not None:
        names = parameters.get("labels", {})
        asked = others[labels[0]].map(lambda value: names.get(value, value)) == found.positive
        found.finer = finer_labels(candidates[[name for name in guesses if name != labels[0]]], asked)
    return found


def has_no_images(text: pd.DataFrame, file: Path) -> bool:
    """Whether a table's columns are all that there is: no image lies beside it, and no cell of its first rows is named as one."""
    from imbalkit_lite.folders import list_folder

    if list_folder(file.parent).images or _containers_beside(file):
        return False
    cells = (value.lower() for value in text.head(100).to_numpy().ravel())
    return not any(value.endswith(EXTENSIONS) or split_address(value) or other_system(value) for value in cells)


def label_candidates(text: pd.DataFrame) -> list[str]:
    """Columns that may hold the labels, the likeliest first, given every column as text."""
    ranks = []
    for position, name in enumerate(text):
        values, low = text[name], str(name).lower()
        distinct = _different(values)
        if not 2 <= distinct <= min(_MOST_CLASSES, len(values) / 2) or (values == "").any():
            continue
        if low in LABEL_NAMES:
            rank: float = LABEL_NAMES.index(low) / 100
        elif low in _NOT_LABELS or low.startswith("unnamed") or _one_number_many(values):
            continue
        elif set(values) == {"0", "1"}:
            rank = 1
        else:
            rank = 2 + _LESS_SURE.index(low) / 100 if low in _LESS_SURE else 3
        ranks.append((rank, distinct, position, str(name)))
    return [name for *_, name in sorted(ranks)]


def group_candidates(text: pd.DataFrame, labels: pd.Series) -> list[str]:
    """Columns of ids that several rows share (patient, lesion), the coarsest of the telling names first."""
    ranks = []
    for name in text:
        values = text[name][text[name] != ""]
        distinct = values.nunique()
        # Fewer groups than this cannot be split three ways with every class in each.
        if len(values) < len(text) / 10 or distinct == len(values) or distinct < 5:
            continue
        if labels[values.index].groupby(values).nunique().eq(0).any() or _spread(values, labels) < 3:
            continue
        named = bool(_GROUPS.search(str(name)))
        # Numbers under a name that tells nothing are measurements, such as an age.
        ids = not values.str.fullmatch(_NUMBER).all() and distinct >= max(20, len(values) / 20)
        if (named and distinct >= 10) or ids:
            ranks.append((not named, distinct, str(name)))
    return [name for *_, name in sorted(ranks)]


def _spread(values: pd.Series, labels: pd.Series) -> int:
    """The fewest groups that any class occurs in."""
    return int(values.groupby(labels[values.index]).nunique().reindex(labels.unique(), fill_value=0).min())


def _torn(values: pd.Series, split: pd.Series) -> int:
    """How many groups have rows in more than one split."""
    known = values != ""
    return int((split[known].groupby(values[known]).nunique() > 1).sum())


def _one_number_many(values: pd.Series) -> bool:
    """A measurement rather than a class: fractions, or more than 20 different numbers."""
    if values.str.fullmatch(r"-?\d+\.\d*[1-9]\d*").any():
        return True
    if values.str.contains(",", regex=False).any() and values.str.fullmatch(_NUMBER).all():
        return True
    return bool(values.str.fullmatch(r"-?\d+(\.0)?").all()) and values.nunique() > 20


def _counts(values: pd.Series) -> dict[str, int]:
    """How often each value occurs."""
    return {str(value): int(count) for value, count in values.value_counts().items()}


def _different(values: pd.Series) -> int:
    """How many classes a column may hold: different values, or different findings where values hold several."""
    counts = _counts(values)
    if len(counts) > 20_000 or len(counts) == len(values):
        return len(counts)
    separator = separator_of(list(counts))
    return len(counts) if separator is None else len(findings_of(counts, separator))


def _finding(parameters: dict[str, Any], values: pd.Series) -> list[str]:
    """Take one finding where labels hold several, and report it."""
    counts = _counts(values)
    separator = separator_of(list(counts))
    if separator is None:
        return []
    finding = parameters["finding"] = chosen_finding(counts, separator)
    if separator:
        parameters["label_separator"] = separator
    found = listing((f"{name} {count:,}" for name, count in findings_of(counts, separator).items()), 30)
    return [
        f"the labels hold several findings ({found}), and imbalkit has one class an image: the recipe tells {finding!r} from "
        "the rest; name another one in `finding`"
    ]


def one_hot_columns(text: pd.DataFrame) -> list[str]:
    """Neighbouring columns of 0 and 1 of which one is 1 in nearly every row (reading them names the rows that differ)."""
    ones = is_one(text)
    binary = [bool(ones[name].notna().all()) for name in text]
    runs = [[place for place, _ in run] for yes, run in groupby(enumerate(binary), key=lambda item: item[1]) if yes]
    for run in sorted(runs, key=len, reverse=True):
        single = float((ones.iloc[:, run].sum(axis=1) == 1).mean())
        if (len(run) > 2 and single >= _NEARLY) or (len(run) == 2 and single == 1 and sum(binary) == 2):
            return [str(text.columns[place]) for place in run]
    return []


def _no_one_hot(text: pd.DataFrame, label: str) -> list[str]:
    """What to say where the label is one of several 0/1 columns of findings."""
    ones = is_one(text)
    binary = [str(name) for name in text if ones[name].notna().all()]
    several = int((ones[binary].sum(axis=1) > 1).sum()) if len(binary) > 2 and label in binary else 0
    if not several:
        return []
    return [
        f"{listing(binary)} hold 0 and 1, and {several:,} rows have several 1s: imbalkit has one class an image; the recipe "
        f"tells {label!r} from the rest; name another one in `label_column`"
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


def _paths(text: pd.DataFrame, file: Path, root: Path | None) -> dict[str, str]:
    """path_column or path_template, and root where it is not the table's folder: a folder, or a container beside the table."""
    from imbalkit_lite.folders import list_folder
    from imbalkit_lite.left_out import left_out

    bases = [_root(root)] if root else [file.parent, *_containers_beside(file)]
    best: tuple[float, dict[str, str]] = (0.0, {})
    for base in bases:
        below = list_folder(base)
        best = max(best, _best_column(text, file, base, below.images), key=lambda found: found[0])
        if best[0] >= 0.5:
            return best[1]
    below, base = list_folder(bases[0]), bases[0]
    for column in text:
        foreign = next((value for value in text[column] if other_system(value)), None)
        if foreign:
            raise DataError(
                f"column {column!r} of {file.absolute()} holds paths of another system ({other_system(foreign)}), such as "
                f"{foreign}: write the paths below the folder that holds the images here into it, and name that folder "
                "with --root"
            )
    raise DataError(
        f"no column of {file.absolute()} holds the paths or names of images; {len(below.images)} images were found below "
        f"{base.absolute()}: name their folder with --root (columns: {listing(text.columns, 30)})"
        + "".join(f"; {text}" for text in left_out(below))
    )


def _root(root: Path) -> Path:
    """The folder, or container, that was named. Raises DataError if it is not there."""
    address = split_address(root)
    inside = address is not None or is_container(root)
    found = existing_path(str(root if address is None else address.place), "image folder", folder=not inside)
    return found if address is None else root


def _containers_beside(file: Path) -> list[Path]:
    """Containers in a table's folder that are no tables."""
    return [
        path
        for path in sorted(file.parent.iterdir())
        if path != file and not path.name.startswith(".") and path.suffix.lower() not in _TABLES and is_container(path)
    ]


def _best_column(text: pd.DataFrame, file: Path, base: Path, images: list[str]) -> tuple[float, dict[str, str]]:
    """The column that names the most of the images below a folder or in a container: (share of its values, parameters)."""
    folders: dict[str, Counter[str]] = defaultdict(Counter)  # file name -> folders below base
    stems: dict[str, list[str]] = defaultdict(list)
    for image in images:
        folder, _, name = image.rpartition("/")
        folders[name][folder] += 1
        stems[os.path.splitext(name)[0]].append(image)
    sample = text.iloc[:: max(1, len(text) // 500)]
    best: tuple[float, dict[str, str]] = (0.0, {})
    for column in text:
        values = [_plain(value) for value in sample[column] if value]
        if not values or len(set(values)) < len(values) / 4:
            continue
        known = {*images, *(value for value in values if _is_member(value, file.parent))}
        for share, extra in _matches(str(column), values, known, folders, stems):
            if share > best[0]:
                place = _below(base, extra.pop("below")) if "below" in extra else str(base)
                if os.path.abspath(place) != os.path.abspath(file.parent):
                    extra["root"] = place
                best = (share, extra)
    return best


def _plain(value: str) -> str:
    """A path as images are listed: with '/', without './' and '..'; paths of another system stay as they are."""
    if other_system(value) or split_address(value) or not ("\\" in value or "/" in value or value.startswith("~")):
        return value
    return posixpath.normpath(local_path(value).replace(os.sep, "/"))


def _below(base: Path, folder: str) -> str:
    """A folder below a folder, or in a container."""
    if split_address(base) is None and not is_container(base):
        return os.path.join(base, folder)
    return join_address(base, folder) if folder else str(base)


def _is_member(value: str, folder: Path) -> bool:
    """Whether a cell is the address of a container's member that is there, or of a remote place."""
    address = split_address(local_path(value, folder)) if split_address(value) else None
    return address is not None and (is_remote(value) or member_problem(address) is None)


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
