"""Types of the samplers' parameters: a number, a word, or a mapping by class, each with one clear error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, WrapValidator
from pydantic_core import PydanticCustomError

from imbalkit.errors import PlanError, listing, nearest
from imbalkit.kinds import ClassName

FinalCount = Annotated[int, Field(ge=1)]
RowCount = Annotated[int, Field(ge=0)]
FinalCounts = Annotated[dict[ClassName, FinalCount], Field(min_length=1)]
RowCounts = Annotated[dict[ClassName, RowCount], Field(min_length=1)]


def one_of(
    expected: str, words: Sequence[str | None] = (), number: Any = None, mapping: Any = None, items: Any = None
) -> Any:
    """Check a value by the one type that its shape calls for; a plain union would report every alternative's errors.

    Args:
        expected: what the error says was expected
        words: values that stand for themselves
        number, mapping, items: types of an int, a mapping, a list; None refuses the shape
    """
    adapters = {
        shape: TypeAdapter(kind) for shape, kind in ((int, number), (dict, mapping), (list, items)) if kind is not None
    }

    def check(value: Any, handler: Callable[[Any], Any], info: Any) -> Any:
        if value is None or isinstance(value, str):
            if value in words:
                return value
        elif type(value) in adapters:
            return adapters[type(value)].validate_python(value, strict=True, context=info.context)
        raise PydanticCustomError(
            "shape", "expected {expected}; got {got}", {"expected": expected, "got": repr(value)[:80]}
        )

    return WrapValidator(check)


def label_of(name: str, classes: Sequence[str], sampler: str) -> int:
    """The label code of a class. Raises PlanError with the nearest name."""
    if name not in classes:
        raise PlanError(f"{sampler}: there is no class {name!r}{nearest(name, classes)} (classes: {listing(classes)})")
    return list(classes).index(name)


def rows_text(low: int, high: int) -> str:
    """ "12 rows" or "10 to 12 rows"."""
    if low != high:
        return f"{low:,} to {high:,} rows"
    return f"{high:,} row" if high == 1 else f"{high:,} rows"
