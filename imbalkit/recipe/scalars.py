"""Scalars of recipe files: those of YAML 1.2, and how they are written, as a class may have the name 01."""

from __future__ import annotations

import re
from typing import Any

import yaml

from imbalkit.base.yaml_text import FLOAT, INT, TAG, SpeltFloat, SpeltInt

MOST = 2**63 - 1  # of a whole number, either side of 0
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")


class Loader(yaml.SafeLoader):
    """Safe YAML with the scalars of YAML 1.2: `no`, `on`, `1:30` and dates are text, `1e-3` and `010` are numbers."""


Loader.yaml_implicit_resolvers = {
    first: [
        (tag, regex)
        for tag, regex in resolvers
        if tag.removeprefix(TAG) not in ("bool", "float", "int", "timestamp", "value")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _regex, _first in (
    ("bool", _BOOL, "tTfF"),
    ("int", INT, "-+0123456789"),
    ("float", FLOAT, "-+0123456789."),
):
    Loader.add_implicit_resolver(TAG + _name, _regex, list(_first))


def value_of(node: yaml.ScalarNode) -> Any:
    """A scalar's value; a number that is written in another way than Python prints it keeps its spelling.

    Raises ValueError with what is wrong.
    """
    kind, text = node.tag.removeprefix(TAG), node.value
    if kind == "int":
        return _spelt(SpeltInt, _whole(text), text)
    try:
        value = Loader("").construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{text[:60]!r} cannot be read: {getattr(error, 'problem', None) or error}") from None
    return _spelt(SpeltFloat, value, text) if kind == "float" else value


def key_of(node: yaml.ScalarNode) -> str:
    """A key as it is written: names of parameters and of classes are text."""
    return node.value


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) <= 70 and INT.match(digits):  # enough for the largest one in base 2
        base = {"0x": 16, "0o": 8}.get(digits[:2], 10)
        value = int(digits, base)
        if -MOST <= value <= MOST:
            return value
    elif len(digits) <= 70:
        raise ValueError(f"expected a whole number, got {text!r}")
    raise ValueError(f"expected a whole number of at most {MOST:,}, got {text[:30]}... of {len(text)} characters")


def _spelt(kind: type, value: Any, text: str) -> Any:
    if str(value) == text:
        return value
    result = kind(value)
    result.spelling = text
    return result
