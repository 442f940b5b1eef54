"""Checks of what a loss is made with: numbers, and one weight a class."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imbalkit.errors import ImbalkitError

_CONVENTION = "one weight a class, in the order of the classes (label code 0 first), each 0 or more and not all 0"


def class_weights(values: Any, num_classes: int | None, what: str) -> Tensor:
    """Weights as a tensor float32 [C].

    Args:
        values: C numbers; a tensor loses its gradient
        num_classes: C; None: as many as there are
        what: the argument's name, for the error

    Raises:
        ImbalkitError: not one finite number of 0 or more for each class, or only zeros
    """
    expected = f"{what}: expected {'a list of' if num_classes is None else num_classes} numbers, {_CONVENTION}"
    try:
        with np.errstate(over="ignore"):
            numbers = np.asarray(values.tolist() if isinstance(values, Tensor) else values, dtype=np.float32)
    except (TypeError, ValueError):
        raise ImbalkitError(f"{expected}; got {_short(values)}") from None
    wrong = numbers.ndim != 1 or not len(numbers) or num_classes not in (None, len(numbers))
    if wrong or not (np.isfinite(numbers) & (numbers >= 0)).all() or not numbers.any():
        raise ImbalkitError(f"{expected}; got {_short(values)}")
    return torch.as_tensor(values, dtype=torch.float32).detach()


def check_number(value: Any, what: str, least: float = 0.0, most: float = math.inf, below: bool = False) -> float:
    """A number within bounds (`below`: less than `most`). Raises ImbalkitError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not least <= value <= most or (below and value == most):
        upto = "" if most == math.inf else f" and {'below' if below else 'at most'} {most:g}"
        raise ImbalkitError(f"{what}: expected a number of at least {least:g}{upto}, got {_short(value)}")
    number: float = value
    return number


def check_count(value: Any, what: str, least: int = 2) -> int:
    """A whole number of at least `least`. Raises ImbalkitError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ImbalkitError(f"{what}: expected a whole number of at least {least}, got {_short(value)}")
    return value


def _short(value: Any) -> str:
    text = str(value.tolist()) if isinstance(value, Tensor) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
