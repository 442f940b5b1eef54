"""A document checked against the models of a recipe: every mistake at once, with its place and line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

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
    by_place: dict[Place, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        place = _place((*prefix, *detail["loc"]), document.data, detail["type"])
        by_place.setdefault(place, []).append(detail)
    found = []
    for place, details in by_place.items():
        others = [detail for detail in details if not _is_mismatch(detail)]
        if not others and any(len(other) > len(place) and other[: len(place)] == place for other in by_place):
            continue  # a union: the alternative that got further says more
        renamed = any(detail["type"] in ("renamed_key", "renamed_part") for detail in details)
        found.append(Problem(show_place(place), error_text(others or details), document.line(place), renamed))
    return found


def _is_mismatch(detail: ErrorDetails) -> bool:
    """Whether a value is of another type than that of its key, or of one alternative of a union."""
    return detail["type"].endswith("_type") or detail["type"] == "literal_error"


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
        elif isinstance(data, dict) and last and kind in ("missing", "unknown_part"):
            place.append(part)
        elif isinstance(data, dict) and isinstance(part, str):
            # A class with the name 0 is the number 0 in YAML and "0" for pydantic.
            same = [key for key in data if str(key) == part]
            if same:
                place.append(same[0])
                data = data[same[0]]
    return tuple(place)


# What was expected, by pydantic's type of error, with the values of its context. Other errors say it themselves.
_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "none_required": "nothing",
    "literal_error": "{expected}",
    "greater_than": "a value greater than {gt:.10g}",
    "greater_than_equal": "a value greater than or equal to {ge:.10g}",
    "less_than": "a value less than {lt:.10g}",
    "less_than_equal": "a value less than or equal to {le:.10g}",
    "too_short": "{min_length} or more entries",
    "too_long": "at most {max_length} entries",
}
_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}


def error_text(details: list[ErrorDetails]) -> str:
    """All errors of one place; those of a union's alternatives become one: "expected a whole number or 'auto', got 'x'"."""
    known = [detail for detail in details if detail["type"] in _EXPECTED]
    expected = dict.fromkeys(_EXPECTED[detail["type"]].format(**detail.get("ctx", {})) for detail in known)
    texts = [_own_text(detail) for detail in details if detail not in known]
    if known:
        of_type = any(detail["type"].endswith("_type") for detail in known)
        texts.append(f"expected {' or '.join(expected)}, got {_shown(known[0]['input'], of_type)}")
    return " or ".join(dict.fromkeys(texts))


def _own_text(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "this key is required and missing"
    return str(detail["ctx"]["error"]) if detail["type"] == "value_error" else detail["msg"]


def _shown(value: Any, with_type: bool) -> str:
    """A value of a recipe, shortened, such as '4' (text)."""
    shown = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    if isinstance(value, bool):
        shown = shown.lower()
    kind = f" ({_TYPES[type(value)]})" if with_type and type(value) in _TYPES else ""
    return f"{shown[:60]}{kind}"


def refuse_renamed(head: str, error: RecipeError) -> None:
    """Raise RenamedError, with `head` before the problems, if some of `error` are names of an earlier version."""
    renamed = [problem for problem in error.problems if problem.renamed]
    if renamed:
        raise RenamedError("\n".join([f"{head}:", *(f"  {problem}" for problem in renamed)])) from error
