"""Guesses which columns of a user's table hold the labels."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from imbalkit.data.label_checks import chosen_finding, findings_of, separator_of
from imbalkit.data.labels import is_one
from imbalkit.errors import DataError, listing
from imbalkit.inspection.numbers_as_text import NUMBER

if TYPE_CHECKING:
    import pandas as pd

LABEL_NAMES = ("label", "labels", "class", "class_name", "classname", "class_label", "target", "y")
_LESS_SURE = ("category", "diagnosis", "dx", "outcome", "type", "species", "benign_malignant", "disease")
_NOT_LABELS = ("sex", "gender", "age", "split", "set", "fold", "view", "side", "site", "laterality", "localization")
MOST_CLASSES = 100
_MOST_GAPS = 0.5  # share of the rows that a column named as labels may leave open
_NEARLY = 0.98  # share of the rows with a single 1, from which columns of 0 and 1 are taken for one class each


def label_candidates(text: pd.DataFrame) -> list[str]:
    """Columns that may hold the labels, the likeliest first, given every column as text.

    Those that are named as labels may have gaps, and come after others of the same kind then.
    """
    ranks = []
    for position, name in enumerate(text):
        values, low = text[name][text[name] != ""], str(name).lower()
        distinct = _different(values)
        gaps = 1 - len(values) / len(text)
        if not 2 <= distinct <= min(MOST_CLASSES, len(values) / 2):
            continue
        if gaps and (gaps > _MOST_GAPS or low not in (*LABEL_NAMES, *_LESS_SURE)):
            continue
        if low in LABEL_NAMES:
            rank: float = LABEL_NAMES.index(low) / 100
        elif low in _NOT_LABELS or low.startswith("unnamed") or _one_number_many(values):
            continue
        elif set(values) == {"0", "1"}:
            rank = 1
        else:
            rank = 2 + _LESS_SURE.index(low) / 100 if low in _LESS_SURE else 3
        ranks.append((rank + (0.5 if gaps else 0), distinct, position, str(name)))
    return [name for *_, name in sorted(ranks)]


def passed_over(text: pd.DataFrame, candidates: list[str]) -> list[str]:
    """What to say of columns that are named as labels and cannot be them.

    Raises DataError for classes that are too many, as another column would answer another question.
    """
    hints = []
    for name in text:
        low, values = str(name).lower(), text[name][text[name] != ""]
        if str(name) in candidates or low not in (*LABEL_NAMES, *_LESS_SURE) or not len(values):
            continue
        distinct = values.nunique()
        what = f"column {name!r} has {distinct:,} different values in {len(values):,} rows"
        measured = _one_number_many(values) and len(values) < 5 * distinct
        if low in LABEL_NAMES and distinct > 1 and len(values) >= len(text) * _MOST_GAPS and not measured:
            raise DataError(
                f"{what}: expected 2 to {MOST_CLASSES} classes with two rows or more each on average; name it with --label if "
                "these are the classes, else the column that holds them"
            )
        if len(values) < len(text):
            what += f" ({len(text) - len(values):,} more are empty)"
        hints.append(f"{what}: not taken for labels")
    return hints


def _one_number_many(values: pd.Series) -> bool:
    """A measurement rather than a class: fractions, or more than 20 different numbers."""
    if values.str.fullmatch(r"-?\d+\.\d*[1-9]\d*").any():
        return True
    if values.str.contains(",", regex=False).any() and values.str.fullmatch(NUMBER).all():
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


def take_finding(parameters: dict[str, Any], values: pd.Series) -> list[str]:
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


def no_one_hot(text: pd.DataFrame, label: str) -> list[str]:
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
