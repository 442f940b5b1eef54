"""Names of methods: by the axes of their sweep, else by their run folders."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from imbalkit.plots.study.records import RunRecord

NO_SAMPLER = "no sampler"
# Keys of a recipe that tell repeats apart, or change no metric.
_REPEATS = ("seed", "split.fold")
_NO_MATTER = ("description", "metrics", "export", "launcher", "logging", "images.cache", "data.how_to_get")
_PARTS = ("loss", "backbone")  # with names of their own


def describe(groups: Sequence[Sequence[RunRecord]]) -> list[dict[str, str]]:
    """method, label, loss, treatment and backbone of each group of runs."""
    recipes = [members[0].recipe for members in groups]
    losses = _part_names([recipe["loss"] for recipe in recipes])
    backbones = _part_names([recipe["backbone"] for recipe in recipes])
    names = _sweep_labels(groups, list(zip(losses, backbones, strict=True)))
    if names is None:
        names = [(name, name) for name in _folder_names([members[0] for members in groups])]
    return [
        {"method": whole, "label": label, "loss": loss, "treatment": treatment, "backbone": backbone}
        for (whole, label), loss, treatment, backbone in zip(
            names, losses, _treatments(recipes), backbones, strict=True
        )
    ]


def _sweep_labels(
    groups: Sequence[Sequence[RunRecord]], kinds: Sequence[tuple[str, str]]
) -> list[tuple[str, str]] | None:
    """Whole name and label of each group from the axes of a sweep; None unless all have the same axes and differ.

    The label leaves out the axes that loss and backbone (`kinds`) name already.
    """
    labels = [members[0].labels for members in groups]
    axes = list(labels[0]) if labels else []
    names = [", ".join(map(str, entry.values())) for entry in labels]
    if not axes or any(list(entry) != axes for entry in labels) or len(set(names)) < len(names):
        return None
    varying = [
        axis
        for axis in axes
        if any(
            first[axis] != second[axis]
            for first, kind in zip(labels, kinds, strict=True)
            for second, other in zip(labels, kinds, strict=True)
            if kind == other
        )
    ]
    return [
        (name, ", ".join(str(entry[axis]) for axis in varying) or name)
        for name, entry in zip(names, labels, strict=True)
    ]


def _folder_names(runs: Sequence[RunRecord]) -> list[str]:
    """The last parts of each run folder, as few as tell the folders apart; the folds of a run have the folder of all."""
    places = []
    for run in runs:
        folder = None if run.folder is None else run.folder.resolve()
        if folder is not None and run.fold is not None and folder.name.startswith("fold-"):
            folder = folder.parent
        places.append((run.name,) if folder is None else folder.parts)
    names: list[str] = []
    for depth in range(1, max(map(len, places), default=0) + 1):
        names = ["/".join(parts[-depth:]) for parts in places]
        if len(set(names)) == len(names):
            return names
    return _numbered(names)


def _treatments(recipes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was done to the training rows, by the samplers' names; what else differs but loss and backbone is numbered."""
    keys = [
        json.dumps({key: value for key, value in settings(recipe).items() if key not in _PARTS}, sort_keys=True)
        for recipe in recipes
    ]
    distinct = dict(zip(reversed(keys), reversed(recipes), strict=True))  # the first recipe of each
    texts = [
        " + ".join(_words(sampler["name"]) for sampler in distinct[key]["samplers"]) or NO_SAMPLER
        for key in dict.fromkeys(keys)
    ]
    known = dict(zip(dict.fromkeys(keys), _numbered(texts), strict=True))
    return [known[key] for key in keys]


def _numbered(texts: Sequence[str]) -> list[str]:
    """Texts, of which those that came before have a number: a, b, a (2)."""
    counts: Counter[str] = Counter()
    found = []
    for text in texts:
        counts[text] += 1
        found.append(text if counts[text] == 1 else f"{text} ({counts[text]})")
    return found


def _part_names(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """ "gamma rce, gamma 10": each part's name with the parameters in which parts of that name differ."""
    found = []
    for part in parts:
        like = [other for other in parts if other["name"] == part["name"]]
        varying = [key for key, value in part.items() if any(other.get(key) != value for other in like)]
        texts = [f"{_words(key)} {_value(part[key])}" for key in varying if part[key] is not None]
        found.append(", ".join([_words(part["name"]), *texts]))
    return found


def settings(recipe: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted keys of a recipe, less those that tell repeats apart or do not matter; lists are values."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        place = f"{prefix}{key}"
        if place in _REPEATS or place in _NO_MATTER:
            continue
        if isinstance(value, Mapping) and place not in _PARTS:
            flat |= settings(value, f"{place}.")
        else:
            flat[place] = value
    return flat


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(map(_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
