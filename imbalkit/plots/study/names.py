"""What methods are called: by the axes of their sweep, or by what differs between their recipes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from imbalkit.errors import ImbalkitError
from imbalkit.plots.study.records import RunRecord

NO_SAMPLER = "no sampler"
# Keys of a recipe that tell repeats apart, or change no figure.
_REPEATS = ("seed", "split.fold")
_NO_MATTER = ("description", "metrics", "export", "launcher", "logging", "images.cache", "data.how_to_get")
_OWN_PLACE = ("loss", "backbone", "samplers")  # described apart


def describe(groups: Sequence[Sequence[RunRecord]]) -> list[dict[str, str]]:
    """method, label, loss, treatment and backbone of each group, from a sweep's labels or from what differs."""
    recipes = [members[0].recipe for members in groups]
    losses = [_part("loss", recipe["loss"], [other["loss"] for other in recipes]) for recipe in recipes]
    backbones = [_part("", recipe["backbone"], [other["backbone"] for other in recipes]) for recipe in recipes]
    treatments = _treatments(recipes)
    labels = _sweep_labels(groups, list(zip(losses, backbones, strict=True)))
    described = []
    for index, (loss, backbone, treatment) in enumerate(zip(losses, backbones, treatments, strict=True)):
        parts = [treatment, loss, *([backbone] if len(set(backbones)) > 1 else [])]
        whole, label = labels[index] if labels else (", ".join(parts), treatment)
        described.append({"method": whole, "label": label, "loss": loss, "treatment": treatment, "backbone": backbone})
    return described


def _sweep_labels(
    groups: Sequence[Sequence[RunRecord]], kinds: Sequence[tuple[str, str]]
) -> list[tuple[str, str]] | None:
    """Whole name and label of each group from the axes of a sweep; None unless all have the same axes and differ.

    The label leaves out the axes that loss and backbone (`kinds`) say already.
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


def _treatments(recipes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Samplers, and every other key that differs, as text; what most methods share goes unsaid."""
    flats = [
        {key: value for key, value in settings(recipe).items() if key.split(".")[0] not in _OWN_PLACE}
        for recipe in recipes
    ]
    differing = _differing(flats)
    every = [sampler for recipe in recipes for sampler in recipe["samplers"]]
    texts: list[str] = []
    known: dict[str, Any] = {}
    for recipe, flat in zip(recipes, flats, strict=True):
        samplers = " + ".join(_sampler(sampler, every) for sampler in recipe["samplers"]) or NO_SAMPLER
        others = [
            f"{_last(key)} {_value(flat.get(key))}"
            for key in differing
            if not _usual(flat.get(key), [other.get(key) for other in flats])
        ]
        text, meant = ", ".join([samplers, *others]), (recipe["samplers"], flat)
        # Words may not tell everything: different treatments have different names all the same.
        numbered = (text if number == 1 else f"{text} ({number})" for number in itertools.count(1))
        texts.append(next(name for name in numbered if known.setdefault(name, meant) == meant))
    return texts


def _differing(flats: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = dict.fromkeys(key for flat in flats for key in flat)
    return [key for key in keys if len({json.dumps(flat.get(key), sort_keys=True) for flat in flats}) > 1]


def _usual(value: Any, every: Sequence[Any]) -> bool:
    return sum(other == value for other in every) > len(every) / 2


def _sampler(sampler: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> str:
    """ "oversample (horizontal flip, radial blur), to 500": the operations, and what differs among samplers like it."""
    own, like = nested(sampler), [other for other in every if nested(other) == nested(sampler)]
    leaves = _leaves(sampler)
    varying = [key for key in _differing([_leaves(other) for other in like]) if key in leaves]
    inside = f" ({', '.join(own[1:])})" if len(own) > 1 else ""
    said = dict.fromkeys(f"{_last(key)} {_value(leaves[key])}" for key in varying)
    return ", ".join([f"{own[0]}{inside}", *said])


def _leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted keys of everything in nested mappings and lists; a list of plain values is one value."""
    if isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        place: leaf
        for key, item in value.items()
        for place, leaf in _leaves(item, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def nested(value: Any) -> list[str]:
    """Names of a sampler and of the operations in it, each once."""
    names: list[str] = []
    if isinstance(value, Mapping):
        names += [_words(value["name"])] if isinstance(value.get("name"), str) else []
        items = [item for key, item in value.items() if key not in ("name", "score", "loss", "backbone")]
    else:
        items = value if isinstance(value, list) else []
    return list(dict.fromkeys([*names, *(name for item in items for name in nested(item))]))


def makes_views(recipe: Mapping[str, Any]) -> bool:
    """Whether a sampler of the recipe names operations."""
    return any(len(nested(sampler)) > 1 for sampler in recipe["samplers"])


def _part(kind: str, part: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> str:
    """ "gamma rce, gamma 10": a part's name and its parameters that differ among its like or from their defaults."""
    like = [other for other in every if other["name"] == part["name"]]
    varying = _differing(like)
    unusual = _not_default(kind, part) if kind else []
    keys = [key for key, value in part.items() if value is not None and (key in varying or key in unusual)]
    return ", ".join([_words(part["name"]), *(f"{_words(key)} {_value(part[key])}" for key in keys)])


def _not_default(kind: str, part: Mapping[str, Any]) -> list[str]:
    from imbalkit.catalogue import default_catalogue

    try:
        fields = default_catalogue().get(kind, part["name"]).model_fields
    except ImbalkitError:  # its plugin is not installed here, or does not work
        return []
    return [name for name, field in fields.items() if name in part and part[name] not in (None, field.default)]


def settings(recipe: Any, prefix: str = "") -> dict[str, Any]:
    """Dotted keys of a recipe, less those that tell repeats apart or do not matter; lists are values."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        place = f"{prefix}{key}"
        if place in _REPEATS or place in _NO_MATTER:
            continue
        if isinstance(value, Mapping) and place not in _OWN_PLACE:
            flat |= settings(value, f"{place}.")
        else:
            flat[place] = value
    return flat


def _words(name: str) -> str:
    return name.replace("_", " ")


def _last(key: str) -> str:
    """The last word of a dotted key; of a part's name the word before."""
    parts = [part for part in key.split(".") if not part.isdigit()]
    return _words(parts[-2] if parts[-1] == "name" and len(parts) > 1 else parts[-1])


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(map(_value, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
