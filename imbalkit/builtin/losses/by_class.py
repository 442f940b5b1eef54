"""Numbers by class name, as a recipe gives them, in the order of the classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from imbalkit.errors import ImbalkitError, listing, nearest
from imbalkit.kinds import BuildContext, ClassName, PriorShift

ClassFactors = dict[ClassName, Annotated[float, Field(ge=0)]]
"""The type of a parameter that maps class names to factors >= 0; a class that it does not name keeps 1."""


def by_class(factors: Mapping[str, float], context: BuildContext) -> list[float]:
    """A factor for each class, [C]. Raises ImbalkitError for a name that the data do not have."""
    for name in factors:
        if name not in context.classes:
            raise ImbalkitError(
                f"the data have no class {name!r}{nearest(name, context.classes)} (classes: {listing(context.classes)})"
            )
    return [float(factors.get(name, 1.0)) for name in context.classes]


def all_zero(factors: Mapping[str, float] | None, classes: Sequence[str], field: str) -> list[tuple[str, str]]:
    """The problem of a parameter that leaves no class with any weight, as `check_classes` gives it; else none."""
    if factors is None or not classes or any(factors.get(name, 1.0) for name in classes):
        return []
    return [(field, "gives every class a weight of 0: nothing would be learned; expected one above 0")]


def constant_weights(weights: Sequence[float], label_smoothing: float = 0.0) -> PriorShift:
    """The shift of cross entropy with a constant weight for each class: as if each had so many times its rows.

    Label smoothing draws every probability to 1 / C, which no factor undoes.
    """
    if label_smoothing:
        return PriorShift(tuple(weights), False, "label smoothing draws probabilities to the middle")
    alike = len(set(weights)) == 1
    return PriorShift(tuple(weights), True, "weighs all classes alike" if alike else "weighs a class by a constant")
