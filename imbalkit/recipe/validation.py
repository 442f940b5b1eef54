"""A document checked against the models of a recipe: every mistake at once, with its place and line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from imbalkit.base.parameters import part_of
from imbalkit.catalogue import Catalogue
from imbalkit.errors import Problem, RecipeError, RenamedError
from imbalkit.recipe.document import Document, Place, show_place
from imbalkit.recipe.recipe import Recipe


def validate(document: Document, catalogue: Catalogue, classes: Iterable[str] | None = None) -> Recipe:
    """The recipe of a document. Raises RecipeError with every mistake, each with its place and line.

    Args:
        document: what was read
        catalogue: the installed parts
        classes: class names of the data; class names in the recipe are checked against them if given
    """
    context = {"catalogue": catalogue, "classes": None if classes is None else tuple(classes)}
    try:
        return Recipe.model_validate(document.data, context=context)
    except ValidationError as error:
        raise RecipeError(problems(error, document)) from error


def validate_part(kind: str, document: Document, place: Place, catalogue: Catalogue) -> Any:
    """One part of a recipe, such as its data set. Raises RecipeError as `validate` does."""

    value: Any = document.data
    for step in place:
        value = value[step]
    try:
        return TypeAdapter(Annotated[Any, part_of(kind)]).validate_python(value, context={"catalogue": catalogue})
    except ValidationError as error:
        raise RecipeError(problems(error, document, place)) from error


def problems(error: ValidationError, document: Document, prefix: Place = ()) -> list[Problem]:
    """pydantic's errors as problems, with places and lines of the document; `prefix`: the place of what was checked."""
    by_place: dict[Place, list[tuple[bool, str]]] = {}
    renamed: set[Place] = set()
    for detail in error.errors(include_url=False):
        place = _place((*prefix, *detail["loc"]), document.data, detail["type"])
        mismatch = detail["type"].endswith("_type") or detail["type"] == "literal_error"
        by_place.setdefault(place, []).append((mismatch, _message(detail)))
        if detail["type"] in ("renamed_key", "renamed_part"):
            renamed.add(place)
    found = []
    for place, entries in by_place.items():
        inside = [other for other in by_place if len(other) > len(place) and other[: len(place)] == place]
        if inside and all(mismatch for mismatch, _ in entries):
            continue  # a union: the alternative that got further says more
        said = [text for mismatch, text in entries if not mismatch] or [text for _, text in entries]
        found.append(
            Problem(show_place(place), " or ".join(dict.fromkeys(said)), document.line(place), place in renamed)
        )
    return found


def _place(loc: tuple[Any, ...], data: Any, kind: str) -> Place:
    """pydantic's location without its own marks ("[key]", names of a union's alternatives)."""
    place: list[Any] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if (
            isinstance(data, dict)
            and part in data
            or isinstance(data, list)
            and isinstance(part, int)
            and part < len(data)
        ):
            place.append(part)
            data = data[part]
        elif isinstance(data, dict) and last and kind == "missing":
            place.append(part)
        elif isinstance(data, dict) and isinstance(part, str):
            # A class called 0 is the number 0 in YAML and "0" for pydantic.
            same = [key for key in data if str(key) == part]
            if same:
                place.append(same[0])
                data = data[same[0]]
    return tuple(place)


_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}


def _message(detail: Any) -> str:
    kind, message, value = detail["type"], detail["msg"], detail["input"]
    if kind == "missing":
        return "this key is required and missing"
    message = message.removeprefix("Value error, ")
    if not message.startswith("Input should be"):
        return message
    shown = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    came = f"{shown[:60]} ({_TYPES[type(value)]})" if kind.endswith("_type") and type(value) in _TYPES else shown[:60]
    message = message.replace("Input should be", "expected").replace("a valid integer", "a whole number")
    message = message.replace("a valid number", "a number").replace("a valid string", "text")
    message = message.replace("a valid boolean", "true or false").replace("a valid dictionary", "a mapping")
    message = message.replace("a valid list", "a list").replace("expected greater", "expected a value greater")
    message = message.replace("expected less", "expected a value less")
    return f"{message}, got {came}"


def refuse_renamed(head: str, error: RecipeError) -> None:
    """Raise RenamedError, with `head` before the problems, if some of `error` are names of an earlier version."""
    renamed = [problem for problem in error.problems if problem.renamed]
    if renamed:
        raise RenamedError("\n".join([f"{head}:", *(f"  {problem}" for problem in renamed)])) from error
