"""Factors by class name, as a recipe gives them, and what a loss with a constant weight for each class does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from imbalkit.base.parameters import ClassName, one_of
from imbalkit.errors import ImbalkitError, listing, nearest
from imbalkit.kinds.common import PriorShift


class ClassFactors(dict[str, float]):
    """A parameter that maps class names to factors >= 0, such as {malignant: 10}; a class that it does not name has 1.

    >>> ClassFactors(malignant=10).vector(("benign", "malignant"))
    [1.0, 10.0]
    """

    fewest: ClassVar[int | None] = None  # classes that must be named
    most: ClassVar[float | None] = None  # largest factor
    otherwise: ClassVar[float] = 1.0  # of a class that is not named

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        items = Annotated[dict[ClassName, Annotated[float, Field(ge=0, le=cls.most)]], Field(min_length=cls.fewest)]
        return core_schema.no_info_after_validator_function(cls, handler.generate_schema(items))

    def vector(self, classes: Sequence[str]) -> list[float]:
        """The factor of each class, [C], in the order of `classes`. Raises ImbalkitError for a name that is not among them."""
        for name in self:
            if name not in classes:
                raise ImbalkitError(
                    f"the data have no class {name!r}{nearest(name, classes)} (classes: {listing(classes)})"
                )
        return [float(self.get(name, self.otherwise)) for name in classes]

    def all_zero(self, classes: Sequence[str], parameter: str) -> list[tuple[str, str]]:
        """For a loss's `check_classes`: the problem of a parameter that gives every class a factor of 0; else none."""
        if not classes or any(self.get(name, 1.0) for name in classes):
            return []
        return [(parameter, "gives every class a weight of 0: nothing would be learned; expected one above 0")]


class SomeClassFactors(ClassFactors):
    """As ClassFactors, for a parameter that must name at least one class."""

    fewest = 1


class ClassSmoothing(ClassFactors):
    """A parameter that maps class names to shares of the target, 0..1, such as {benign: 0.2}; 0 for a class not named."""

    fewest, most, otherwise = 1, 1.0, 0.0


LabelSmoothing = Annotated[
    Annotated[float, Field(ge=0, le=1)] | ClassSmoothing,
    one_of(
        "a number from 0 to 1, or a mapping from classes to such numbers",
        real=Annotated[float, Field(ge=0, le=1)],
        mapping=ClassSmoothing,
    ),
]
"""The type of a parameter `label_smoothing`: the share of a row's target that is spread evenly over all classes."""


def smoothing_of(value: float | ClassSmoothing, classes: Sequence[str]) -> float | list[float]:
    """A LabelSmoothing as losses take it: one number, or one of each class, [C]."""
    return value.vector(classes) if isinstance(value, ClassSmoothing) else value


def constant_weights(weights: Sequence[float], label_smoothing: float | Sequence[float] = 0.0) -> PriorShift:
    """The shift of cross entropy with a constant weight for each class, [C]: as if each had so many times its rows.

    Label smoothing, one number or [C], draws probabilities to 1 / C, which its map undoes (not where it leaves a class nothing).
    """
    smoothing = list(label_smoothing) if isinstance(label_smoothing, Sequence) else [label_smoothing] * len(weights)
    why = "weighs all classes alike" if len(set(weights)) == 1 else "weighs a class by a constant"
    if not any(smoothing):
        return PriorShift(tuple(weights), True, why)
    if max(smoothing) >= 1:
        return PriorShift(tuple(weights), False, "label smoothing of 1 leaves nothing of the label")
    why += "; label smoothing draws probabilities to the middle, by a formula that is known"
    return PriorShift(tuple(weights), True, why, map={"name": "label_smoothing", "smoothing": smoothing})
