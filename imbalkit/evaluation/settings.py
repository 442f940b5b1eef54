"""The recipe's `evaluation`."""

from __future__ import annotations

from typing import Any

from pydantic import SerializerFunctionWrapHandler, field_validator, model_serializer

from imbalkit.base.parameters import Settings, param


class EvaluationSettings(Settings):
    """What is reported of the test rows besides the metrics themselves."""

    renamed = {"smallest": "min_subgroup_rows"}

    test: bool = param(
        True,
        help="whether the test rows are predicted and reported; false leaves them untouched, for runs that are chosen among "
        "by validation",
    )
    resamples: int = param(2000, help="bootstrap resamples of the intervals; 0: no intervals", ge=0)
    level: float = param(0.95, help="confidence level of the intervals", gt=0.5, lt=1)
    subgroups: list[str] | None = param(
        None,
        help="metadata columns to give metrics by (default: every column of numbers or of few values; none of a table of more "
        "than 100; []: none)",
    )
    min_subgroup_rows: int = param(
        10, help="rows of each class that a subgroup needs, or its metrics are withheld", ge=1
    )
    prevalences: list[float] = param([], help="shares of the positive class to give predictive values at, such as 0.02")

    @model_serializer(mode="wrap")
    def _test_where_off(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`test` came later: it is written only where it is off, so that recipes of before keep their text and hash."""
        found: dict[str, Any] = handler(self)
        return {key: value for key, value in found.items() if key != "test" or not value}

    @field_validator("resamples")
    @classmethod
    def _resamples(cls, value: int) -> int:
        if 0 < value < 100:
            raise ValueError(f"expected 100 resamples or more, or 0 for no intervals, got {value}")
        return value

    @field_validator("prevalences")
    @classmethod
    def _prevalences(cls, value: list[float]) -> list[float]:
        wrong = [item for item in value if not 0 < item < 1]
        if wrong:
            raise ValueError(f"expected shares between 0 and 1, got {', '.join(map(str, wrong))}")
        return value
