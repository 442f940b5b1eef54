"""Checks of the values in a card: each names the place, what was expected and what was found."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from imbalkit_lite.errors import CardError, listing, nearest

_LARGEST = sys.float_info.max


def exactly(document: Mapping[str, Any], expected: Sequence[str], prefix: str) -> Sequence[str]:
    """The expected keys, if they are there and no others are."""
    unknown = next((key for key in document if key not in expected), None)
    if unknown is not None:
        raise CardError(f"{prefix}{unknown}: there is no such key{nearest(str(unknown), expected)}")
    missing = [f"{prefix}{key}" for key in expected if key not in document]
    if missing:
        raise CardError(f"{listing(missing)} not stated")
    return expected


def check_mapping(value: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        raise CardError(f"{where}: expected keys and values, got {type(value).__name__}")


def check_choice(value: Any, known: Sequence[str], where: str) -> None:
    if value not in known:
        raise CardError(f"{where}: expected one of {', '.join(known)}, got {value!r}{nearest(str(value), known)}")


def check_text(value: Any, where: str, none: bool = False) -> None:
    if not isinstance(value, str) and not (none and value is None):
        raise CardError(f"{where}: expected text, got {value!r}")


def check_count(value: Any, where: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CardError(f"{where}: expected a whole number of at least 1, got {value!r}")


def numbers(values: Any, where: str, **limits: Any) -> tuple[float, ...]:
    if not is_list(values) or not values:
        raise CardError(f"{where}: expected a list of numbers, got {values!r}")
    return tuple(number(value, f"{where}[{index}]", **limits) for index, value in enumerate(values))


def number(value: Any, where: str, least: float = -math.inf, most: float = math.inf, open_below: bool = False) -> float:
    # Compared instead of isfinite: a whole number may be too large for a float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST <= value <= _LARGEST:
        raise CardError(f"{where}: expected a number, got {value!r}")
    if not least <= value <= most or (open_below and value == least):
        above = f"above {least}" if open_below else f"from {least}"
        raise CardError(f"{where}: expected a number {above}{'' if most == math.inf else f' to {most}'}, got {value!r}")
    return float(value)


def is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
