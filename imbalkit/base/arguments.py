"""What a notebook hands to functions, checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from imbalkit.errors import RunError


def words(given: Any, name: str, example: str) -> tuple[Any, ...]:
    """A list of texts or paths as a tuple. Raises RunError for one text, a mapping, and what is no list."""
    if isinstance(given, str | bytes | os.PathLike | Mapping) or not isinstance(given, Iterable):
        kind = "a text" if isinstance(given, str) else type(given).__name__
        raise RunError(f"{name}: expected a list such as [{example!r}], got {kind}: {str(given)[:60]!r}")
    return tuple(given)
