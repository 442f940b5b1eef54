"""Environment variables in paths: `${NAME}` and `${NAME:-default}`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def expand_variables(path: str) -> str:
    """A path with the values of its variables. Raises ValueError for a variable that is not set and has no default."""

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name not in os.environ and default is None:
            raise ValueError(f"the environment variable {name} is not set; set it, or give a default: ${{{name}:-...}}")
        return os.environ.get(name) or default or ""

    return _VARIABLE.sub(value, path)


def variables_in(value: Any) -> Iterator[str]:
    """Names of the variables that plain data mention."""
    if isinstance(value, str):
        yield from (match.group(1) for match in _VARIABLE.finditer(value))
    elif isinstance(value, dict):
        for item in value.values():
            yield from variables_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from variables_in(item)
