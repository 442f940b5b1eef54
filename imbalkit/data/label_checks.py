"""What is suspect in class names: one class under several spellings, missing labels, several labels in one."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from imbalkit.errors import listing

_MISSING = {
    "",
    "nan",
    "none",
    "null",
    "nil",
    "na",
    "n/a",
    "n.a.",
    "#n/a",
    "<na>",
    "nat",
    "?",
    "??",
    "-",
    "--",
    ".",
    "missing",
}
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d_"), "-") | {
    ord("_"): " "
}
_WHOLE = re.compile(r"^(\s*[+-]?[0-9]+)\.0*(?=\s*$)")
_ZEROS = re.compile(r"^0+(?=[0-9]+$)")
_LIST = re.compile(r"\s*(\[.*\]|\(.*\))\s*", re.S)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_MOST_MAPPED = 40  # classes of which a mapping is written out
_SURE, _LESS_SURE = ("|", ";"), (",", "/", "+")  # separators that names seldom hold, and those that they often do


def label_cautions(counts: Mapping[str, int]) -> list[str]:
    """What a user must know of the class names, with the recipe key that fixes it.

    Args:
        counts: class name -> samples, in the order of the classes
    """
    return [*_missing(counts), *_spelling(counts), *_several(counts)]


def quoted(name: str) -> str:
    """A name in double quotes, as YAML and a reader understand it: what cannot be seen is written as an escape."""
    seen = name.isprintable() and unicodedata.is_normalized("NFC", name)
    return json.dumps(name, ensure_ascii=not seen)


# --- missing ------------------------------------------------------------------------------------------------------------


def looks_missing(name: str) -> bool:
    """Whether a name is one of those that stand for no value."""
    return canonical(name) in _MISSING


def _missing(counts: Mapping[str, int]) -> list[str]:
    found = [name for name in counts if looks_missing(name)]
    if not found:
        return []
    text = listing(f"{quoted(name)} ({counts[name]:,} samples)" for name in found)
    what = "class {} is likely a missing label" if len(found) == 1 else "classes {} are likely missing labels"
    return [
        f"{what.format(text)}: leave such samples out (`missing_labels: [{', '.join(map(quoted, found))}]` of a table or "
        "arrays, `classes` of an image folder), or give the class another name with `labels`"
    ]


# --- spelling -----------------------------------------------------------------------------------------------------------


def canonical(name: str) -> str:
    """A name without what a reader does not see: case, blanks, composition (NFKC), look-alike hyphens, invisible characters.

    A whole number ends in no ".0".
    """
    if name.isascii():  # nearly all of them, in a tenth of the time
        return whole_number(" ".join(name.lower().replace("_", " ").split()))
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).translate(_HYPHENS)
    return whole_number(" ".join("".join(letter for letter in text if unicodedata.category(letter) != "Cf").split()))


def whole_number(name: str) -> str:
    """ "12" for "12.0", which is what pandas writes of a whole number in a column with gaps; other names as they are."""
    return _WHOLE.sub(r"\1", name)


def variants(names: Sequence[str], zeros: bool = True) -> list[list[str]]:
    """Names that differ in spelling only, together; those that stand alone are left out. `zeros`: 01 is another than 1."""
    alike: dict[str, list[str]] = {}
    for name in names:
        key = canonical(name)
        alike.setdefault(key if zeros else _ZEROS.sub("", key), []).append(name)
    return [same for same in alike.values() if len(same) > 1]


def merged_names(counts: Mapping[str, int]) -> dict[str, str]:
    """Each name to the one that its spellings are merged into: the most frequent one, tidied."""
    merged = {name: name for name in counts}
    for same in variants(list(counts), zeros=False):
        tidied: Counter[str] = Counter()
        for name in same:
            tidied[_tidy(name)] += counts[name]
        merged |= dict.fromkeys(same, tidied.most_common(1)[0][0])
    return merged


def _tidy(name: str) -> str:
    visible = (" " if letter.isspace() else letter for letter in name if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFC", "".join(visible)).split())


def _spelling(counts: Mapping[str, int]) -> list[str]:
    found = variants(list(counts), zeros=False)
    if not found:
        return []
    text = "; ".join(", ".join(f"{quoted(name)} ({counts[name]:,})" for name in same) for same in found[:10])
    merged = merged_names(counts)
    shown = merged if len(merged) <= _MOST_MAPPED else {name: merged[name] for same in found[:10] for name in same}
    pairs = ", ".join(f"{quoted(name)}: {quoted(merged[name])}" for name in shown)
    rest = "" if len(shown) == len(merged) else ", and so on for every label"
    return [
        f"classes that differ in spelling only: {text}{'; ...' if len(found) > 10 else ''}. To merge them, set in `data` "
        f"labels: {{{pairs}}}{rest}"
    ]


# --- several labels in one ----------------------------------------------------------------------------------------------


def split_label(label: str, separator: str | None) -> list[str]:
    """The findings in a label: those between separators, or those of a list in brackets such as "['A', 'B']"."""
    if _LIST.fullmatch(label) and separator in (None, ","):
        parts = [part.strip().strip("'\"") for part in label.strip()[1:-1].split(",")]
    else:
        parts = label.split(separator) if separator else [label]
    return [part for part in dict.fromkeys(part.strip() for part in parts) if part]


def separator_of(labels: Sequence[str]) -> str | None:
    """What separates several findings in one label; "" for lists in brackets, None where each label is one class.

    A combination counts if its findings occur by themselves, too (or, where names seldom hold the separator, in another
    combination), so that names such as 'benign, other', 'head/neck' or '1,5' are none.
    """
    listed = [label for label in labels if _LIST.fullmatch(label)]
    if len(listed) > len(labels) / 2 and any(len(split_label(label, None)) > 1 for label in listed):
        return ""
    for separator in _SURE + _LESS_SURE:
        parts = [split_label(label, separator) for label in labels if separator in label]
        combined = [found for found in parts if len(found) > 1]
        known = {label.strip() for label in labels if separator not in label}
        if separator in _SURE:
            times = Counter(part for found in combined for part in found)
            known |= {part for part, count in times.items() if count > 1}
        elif all(_NUMBER.fullmatch(part) for found in combined for part in found):
            continue
        explained = sum(set(found) <= known for found in combined)
        if explained >= (1 if separator in _SURE else 2) and explained >= len(combined) / 2:
            return separator
    return None


def findings_of(counts: Mapping[str, int], separator: str | None) -> dict[str, int]:
    """Samples of each finding, the most frequent first."""
    found: dict[str, int] = {}
    for label, count in counts.items():
        for part in split_label(label, separator or None):
            found[part] = found.get(part, 0) + count
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def chosen_finding(counts: Mapping[str, int], separator: str | None) -> str:
    """A finding to start with: the most frequent that says that something is there."""
    found = list(findings_of(counts, separator))
    nothing = re.compile(r"(no|without) |(normal|none|healthy|negative|clear)$", re.I)
    return next((name for name in found if not nothing.match(name) and not looks_missing(name)), found[0])


def _several(counts: Mapping[str, int]) -> list[str]:
    separator = separator_of(list(counts))
    if separator is None:
        return []
    combined = [label for label in counts if len(split_label(label, separator or None)) > 1]
    found = findings_of(counts, separator)
    key = f", label_separator: {quoted(separator)}" if separator else ""
    return [
        f"{len(combined)} of {len(counts)} classes, such as {listing(map(quoted, combined[:2]))}, hold several labels, and "
        f"imbalkit has one class an image: to classify one finding against the rest, set in `data` of a table "
        f"finding: {quoted(chosen_finding(counts, separator))}{key} (findings: "
        f"{listing((f'{name} {count:,}' for name, count in found.items()), 12)})"
    ]
