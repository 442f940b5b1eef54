"""Groups that are likely no group: a placeholder such as 'unknown' under which many rows stand."""

from __future__ import annotations

import re

import pandas as pd

from imbalkit.data.label_checks import canonical, looks_missing, quoted, variants, whole_number

_WORDS = re.compile(
    r"unk(now)?n?|(no|not|none) ?(known|specified|given|available|applicable|provided|recorded|stated|assigned|id)|"
    r"un(specified|assigned|identified|defined|available)|anon(ymous)?|to be determined|tb[acd]|x{1,3}|others?|default|dummy|"
    r"empty|blank|placeholder"
)
_NUMBERS = re.compile(r"-\d+(\.0)?|0+(\.0)?|9{2,}(\.0)?")  # that stand for no value: below 0, zeros, nines
_MOST = 5  # groups named in a caution


def _stands_for_none(name: str) -> bool:
    return not re.search(r"\d", name) and bool(_WORDS.fullmatch(canonical(name)) or looks_missing(name))


def one_spelling(groups: pd.Series) -> tuple[pd.Series, list[str]]:
    """Groups that differ in spelling only (12 and 12.0, p3 and "P3 ") under one name, and what to say of it.

    All names are without blanks around them and without the ".0" of whole numbers, so that those of other tables compare.
    Two names taken for one patient where they are two cost a little freedom in drawing splits; the opposite costs the test's
    independence.

    Args:
        groups: the group of each sample as text, missing where it has none
    """
    names = [str(name) for name in groups.dropna().unique()]
    plain = {name: whole_number(name.strip()) for name in names}
    several = variants(names)
    for same in several:
        plain |= dict.fromkeys(same, plain[min(same, key=len)])
    if any(name != found for name, found in plain.items()):
        groups = groups.map(plain.get).astype(groups.dtype)
    if not several:
        return groups, []
    shown = "; ".join(" and ".join(map(quoted, same[:3])) for same in several[:_MOST])
    more = "; ..." if len(several) > _MOST else ""
    many = "groups are" if len(several) > 1 else "group is"
    caution = (
        f"{len(several):,} {many} written in several ways ({shown}{more}), each taken as one group: write them alike "
        "in the data, or give them other names where they are not the same"
    )
    return groups, [caution]


def group_cautions(groups: pd.Series) -> list[str]:
    """What a user must know of placeholder groups, with the recipe key that fixes it.

    Pointed out are names that stand for 'not known', numbers such as 0, -1 and 999 whose group is five times as large as
    any ordinary one, and any group of at least half of the samples, or of a tenth that is ten times as large as the next.

    Args:
        groups: the group of each sample, missing where it has none
    """
    counts = groups.value_counts()  # the largest first
    names, sizes = [str(name) for name in counts.index], counts.tolist()
    words = [_stands_for_none(name) for name in names]
    found: list[tuple[str, int, float]] = []
    following = 0  # the largest of the ordinary groups that are smaller
    for name, size, word in zip(reversed(names), reversed(sizes), reversed(words), strict=True):
        share = size / len(groups)
        number = bool(_NUMBERS.fullmatch(name)) and size >= 5 * max(following, 1)
        most = share >= 0.5 and len(sizes) > 2
        apart = share >= 0.1 and size >= 20 and 0 < 10 * following <= size
        if size > 1 and (word or number or most or apart):
            found.insert(0, (name, size, share))
        if not word:
            following = size
    if not found:
        return []
    text = ", ".join(
        f"{quoted(name)} ({size:,} of {len(groups):,} samples, {share:.0%})" for name, size, share in found[:_MOST]
    )
    keys = ", ".join(quoted(name) for name, *_ in found[:_MOST])
    return [
        f"group {text}{', ...' if len(found) > _MOST else ''} is likely a placeholder for groups that are not known, and stays "
        f"together in one split: `missing_groups: [{keys}]` in `data` makes each such sample a group of its own"
    ]
