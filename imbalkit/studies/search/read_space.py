"""The key `space` of a search file, read; every mistake that shows without a recipe at once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from imbalkit.errors import Problem, RecipeError
from imbalkit.recipe.document import Document, Place
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.validation import problems
from imbalkit.studies.search.space import Choices, Entry, Node, Range, RangeSettings, Space, target_of


def read_space(document: Document) -> Space:
    """The key `space` of a file. Raises RecipeError with every mistake that shows without a recipe."""
    data = document.data.get("space")
    if not isinstance(data, dict) or not data:
        raise RecipeError([document.problem(("space",), f"expected keys of the recipe with what to try, got {data!r}")])
    found: list[Problem] = []
    entries = []
    for key, value in data.items():
        key = str(key)
        own = key.split(".")[0] not in Recipe.model_fields
        try:
            entries.append(Entry(key, _entry(value, key, own, document)))
        except RecipeError as error:
            found += error.problems
    found += _overlaps(entries, document)
    if found:
        raise RecipeError(found)
    return Space(tuple(entries))


def _entry(value: Any, key: str, own: bool, document: Document) -> Node:
    place: Place = ("space", key)
    node = _parse(value, key, place, () if own else target_of(key), document)
    if own and isinstance(node, Choices):
        bad = [label for label, option in node.options.items() if not isinstance(option, dict)]
        if not bad:
            for option in node.options.values():
                for inner in option:
                    if str(inner).split(".")[0] not in Recipe.model_fields:
                        raise RecipeError([document.problem(place, f"{inner!r} is no key of a recipe")])
            return node
    if own:
        message = (
            f"{key.split('.')[0]!r} is no key of a recipe; a name of your own takes choices by name, each with its overrides: "
            "{choices: {plain: {loss: ce}, margins: {loss: ldam, head: cosine}}}"
        )
        raise RecipeError([document.problem(place, message)])
    if not isinstance(node, Range | Choices):
        message = f"expected {{low, high}} or {{choices}}, got {_shown(value)}: one value alone goes into `set`"
        raise RecipeError([document.problem(place, message)])
    return node


def _parse(value: Any, name: str, place: Place, target: Place, document: Document) -> Any:
    """A range, choices, or plain data in which some stand. Raises RecipeError."""
    if isinstance(value, dict) and "name" not in value and ("low" in value or "high" in value):
        try:
            return Range(name, place, target, RangeSettings.model_validate(value))
        except ValidationError as error:
            raise RecipeError(problems(error, document, place)) from error
    if isinstance(value, dict) and "name" not in value and "choices" in value:
        return _choices(value, name, place, target, document)
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[Problem] = []
    parsed: dict[Any, Any] = {}
    for key, part in parts:
        # An alternative of a name of the user's own sets keys such as training.epochs.
        inner = target_of(str(key)) if not target else (*target, key)
        try:
            parsed[key] = _parse(part, f"{name}.{key}", (*place, key), inner, document)
        except RecipeError as error:
            found += error.problems
    if found:
        raise RecipeError(found)
    return parsed if isinstance(value, dict) else list(parsed.values()) if isinstance(value, list) else value


def _choices(value: dict[Any, Any], name: str, place: Place, target: Place, document: Document) -> Choices:
    given = value["choices"]
    more = [str(key) for key in value if key != "choices"]
    if more or not isinstance(given, dict | list) or len(given) < 2:
        wrong = f"{', '.join(more)} beside `choices`" if more else _shown(given)
        message = f"expected two choices or more, as a list or by name: {{choices: [ce, focal]}}, got {wrong}"
        raise RecipeError([document.problem((*place, "choices"), message)])
    labelled = _labelled(given)
    if len({label for label, _ in labelled}) < len(labelled):
        raise RecipeError([document.problem((*place, "choices"), "expected choices that differ, got one twice")])
    options, places = {}, {}
    found: list[Problem] = []
    for label, key in labelled:
        places[label] = (*place, "choices", key)
        try:
            options[label] = _parse(given[key], f"{name}.{label}", places[label], target, document)
        except RecipeError as error:
            found += error.problems
    if found:
        raise RecipeError(found)
    return Choices(name, place, target, options, places)


def _labelled(given: dict[Any, Any] | list[Any]) -> list[tuple[str, Any]]:
    """The names of choices with their keys; items of a list are called after their parts, or as they are written."""
    if isinstance(given, dict):
        return [(str(key), key) for key in given]
    short = [str(item.get("name", json.dumps(item)) if isinstance(item, dict) else item) for item in given]
    return [
        (json.dumps(item) if short.count(label) > 1 else label, index)
        for index, (item, label) in enumerate(zip(given, short, strict=True))
    ]


def _overlaps(entries: list[Entry], document: Document) -> Iterator[Problem]:
    """Keys of the recipe that two entries set."""
    for index, entry in enumerate(entries):
        for other in entries[:index]:
            for key, known in itertools.product(entry.sets, other.sets):
                if key == known or key.startswith(f"{known}.") or known.startswith(f"{key}."):
                    message = f"sets {key}, and {other.key} sets {known}: put one into the choices of the other"
                    yield document.problem(("space", entry.key), message)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
