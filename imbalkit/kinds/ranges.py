"""Ranges that recipes write as `[low, high]`, kept as tuples so that operations are hashable."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError


def _as_tuple(value: Any) -> Any:
    if not isinstance(value, list | tuple) or len(value) != 2:
        got = f"{len(value)} entries" if isinstance(value, list | tuple) else repr(value)
        raise PydanticCustomError(
            "range",
            "expected [low, high], such as [0.01, 0.02], or twice the same number; got {got}",
            {"got": got[:80]},
        )
    return tuple(value)


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    low, high = value
    if low > high:
        raise PydanticCustomError(
            "range_order", "expected [low, high] with low <= high, got [{low}, {high}]", {"low": low, "high": high}
        )
    return value


def range_of(**constraints: Any) -> Any:
    """The type of a parameter `[low, high]` whose two numbers obey pydantic's constraints (`ge`, `lt`, ...)."""
    number = Annotated[float, Field(**constraints)]
    return Annotated[tuple[number, number], BeforeValidator(_as_tuple), AfterValidator(_ordered)]


RhoRange = range_of(ge=0, lt=1)
"""The relative zoom of a radial blur, [low, high] of the radius."""

SigmaRange = range_of(ge=0, le=1000)
"""The standard deviation of a Gaussian blur, [low, high] in px."""


def draw_range(bounds: tuple[float, float], uniforms: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) to numbers between the bounds, float64 of the same shape."""
    low, high = bounds
    return low + (high - low) * uniforms


def range_label(bounds: tuple[float, float]) -> str:
    """ "U(0.005, 0.02)", or the number alone if there is but one."""
    low, high = bounds
    return f"{low:g}" if low == high else f"U({low:g}, {high:g})"
