"""What two resolved recipes differ in, key by key, as a person reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from imbalkit.errors import listing

# Keys that say where and how a run computes, or what people read of it; never which pixels, metrics or decisions.
CHANGES_NO_RESULT = (
    "description",
    "card",
    "launcher",
    "logging",
    "images.cache",
    "images.device_memory",
    "images.render_cache_gib",
)
# Keys that are read once training is over: an unfinished run has nothing of them yet.
AFTER_TRAINING = (
    "evaluation.resamples",
    "evaluation.level",
    "evaluation.subgroups",
    "evaluation.min_subgroup_rows",
    "evaluation.prevalences",
    "export",
)
_ABSENT = object()


def recipe_difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Values that differ, {"training.epochs": (2, 3)}; a part with another name counts as one value."""
    return dict(_walk("", dict(then), dict(now)))


def show_difference(changed: Mapping[str, tuple[Any, Any]], most: int = 5) -> str:
    """training.epochs: 2 -> 3, seed: 0 -> 1"""
    return listing([f"{key}: {_shown(then)} -> {_shown(now)}" for key, (then, now) in changed.items()], most)


def is_below(key: str, places: tuple[str, ...]) -> bool:
    """Whether a key such as card.contact is one of `places` or lies in one."""
    return any(key == place or key.startswith((f"{place}.", f"{place}[")) for place in places)


def _walk(where: str, then: Any, now: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    if isinstance(then, Mapping) and isinstance(now, Mapping) and then.get("name") == now.get("name"):
        for key in [*then, *(key for key in now if key not in then)]:
            place = f"{where}.{key}" if where else str(key)
            yield from _walk(place, then.get(key, _ABSENT), now.get(key, _ABSENT))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, pair in enumerate(zip(then, now, strict=True)):
            yield from _walk(f"{where}[{index}]", *pair)
    elif then != now:
        yield where, (then, now)


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "not there"
    if isinstance(value, Mapping) and "name" in value:
        return str(value["name"])
    if isinstance(value, list) and value and all(isinstance(item, Mapping) and "name" in item for item in value):
        return "[" + ", ".join(str(item["name"]) for item in value) + "]"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
