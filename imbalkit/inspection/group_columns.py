"""Guesses which columns of a user's table say what belongs together: patients, lesions, scenes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from imbalkit.inspection.numbers_as_text import NUMBER

if TYPE_CHECKING:
    import pandas as pd

# What a column's name says that its values are, by rank: rows of one patient belong together whatever else they share.
_KINDS = (
    {"patient", "subject", "person", "animal", "individual"},
    {"lesion", "case", "plant", "specimen"},
    {"slide", "study", "exam"},
)
_ANY = {"group", "site"}  # of ids, or of what rows have in common, such as an age
_OF_IDS = {
    *("id", "ids", "no", "nr", "num", "number", "name", "code", "key", "uid", "uuid"),
    *("hash", "index", "identifier", "pseudonym", "label", "instance"),
}


def group_kind(name: str) -> int | None:
    """The rank of what a column's name says that its values are, 0 for patients; None for a name that says nothing of it.

    The last word counts that is not about ids: `lesion_site` is of sites, `patientId` of patients, `implant` of no plants.
    """
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_A-Za-z]+", str(name))]
    while len(words) > 1 and words[-1] in _OF_IDS:
        words.pop()
    if not words:
        return None
    known = set().union(*_KINDS, _ANY)
    noun = next((form for form in _forms(words[-1]) if form in known), "")
    rank = next((rank for rank, nouns in enumerate(_KINDS) if noun in nouns), None)
    if rank is None and noun:
        return len(_KINDS) if noun == "group" and len(words) == 1 else len(_KINDS) + 1
    return rank


def _forms(word: str) -> list[str]:
    """A word, as a singular, and without an `id` that hangs on."""
    stem = word.removesuffix("ids").removesuffix("id")
    return [word, word.removesuffix("s"), word.removesuffix("ies") + "y", stem]


def group_candidates(text: pd.DataFrame, labels: pd.Series) -> list[str]:
    """Columns of ids that several rows share, the likeliest first: by what the name says, then those of fewest values."""
    ranks = []
    for name in text:
        values = text[name][text[name] != ""]
        distinct = values.nunique()
        # Fewer groups than this cannot be split three ways with every class in each.
        if len(values) < len(text) / 10 or distinct == len(values) or distinct < 5:
            continue
        if labels[values.index].groupby(values).nunique().eq(0).any() or _spread(values, labels) < 3:
            continue
        kind = group_kind(str(name))
        # Numbers under a name that tells nothing are measurements, such as an age.
        ids = not values.str.fullmatch(NUMBER).all() and distinct >= max(20, len(values) / 20)
        if (kind is not None and kind <= len(_KINDS) and distinct >= 10) or ids:
            ranks.append((len(_KINDS) + 2 if kind is None else kind, distinct, str(name)))
    return [name for *_, name in sorted(ranks)]


def unused_groups(text: pd.DataFrame, labels: pd.Series, used: list[str]) -> list[str]:
    """What to say of columns that are named as patients or lesions and cannot be kept together, as a class is in too few."""
    hints = []
    for name in text:
        values = text[name][text[name] != ""]
        kind = group_kind(str(name))
        named = kind is not None and kind < len(_KINDS)
        if named and name not in used and 5 <= values.nunique() < len(values) and _spread(values, labels) < 3:
            hints.append(
                f"column {name!r} is not used as groups, as some class is in fewer than 3 of them, and three splits need 3: "
                "rows of one value may be in two splits, and test metrics too good"
            )
    return hints


def _spread(values: pd.Series, labels: pd.Series) -> int:
    """The fewest groups that any class occurs in."""
    return int(values.groupby(labels[values.index]).nunique().reindex(labels.unique(), fill_value=0).min())


def torn(values: pd.Series, split: pd.Series) -> int:
    """How many groups have rows in more than one split."""
    known = values != ""
    return int((split[known].groupby(values[known]).nunique() > 1).sum())
