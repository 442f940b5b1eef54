"""Scalars of recipe files: those of YAML 1.2, and what they were spelt like, as a class may be called 01."""

from __future__ import annotations

import re
from typing import Any

import yaml

from imbalkit_lite.text import printable_lines

MOST = 2**63 - 1  # of a whole number, either side of 0
_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"
)
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_TAG = "tag:yaml.org,2002:"


class SpeltInt(int):
    """A whole number that prints as it was spelt: 01."""

    spelling: str

    def __str__(self) -> str:
        return self.spelling


class SpeltFloat(float):
    """A number that prints as it was spelt: 1e3."""

    spelling: str

    def __str__(self) -> str:
        return self.spelling


class Loader(yaml.SafeLoader):
    """Safe YAML with the scalars of YAML 1.2: `no`, `on`, `1:30` and dates are text, `1e-3` and `010` are numbers."""


Loader.yaml_implicit_resolvers = {
    first: [
        (tag, regex)
        for tag, regex in resolvers
        if tag.removeprefix(_TAG) not in ("bool", "float", "int", "timestamp", "value")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, _regex, _first in (
    ("bool", _BOOL, "tTfF"),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
):
    Loader.add_implicit_resolver(_TAG + _name, _regex, list(_first))


class Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1, YAML 1.2 or this loader would read as something else."""


for _name, _regex, _first in (("int", _INT, "-+0123456789"), ("float", _FLOAT, "-+0123456789.")):
    Dumper.add_implicit_resolver(_TAG + _name, _regex, list(_first))


def _represent(dumper: yaml.Dumper, value: Any) -> yaml.Node:
    return dumper.represent_scalar(_TAG + ("int" if isinstance(value, int) else "float"), str(value))


def _represent_text(dumper: yaml.Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar(_TAG + "str", value, style=None if value.isprintable() else '"')


Dumper.add_representer(str, _represent_text)
Dumper.add_representer(SpeltInt, _represent)
Dumper.add_representer(SpeltFloat, _represent)


def yaml_text(value: Any, **options: Any) -> str:
    """Plain data as YAML that reads back exactly; text that would not show as it is, is written in escapes.

    `options`: as of yaml.dump.
    """
    options = {"Dumper": Dumper, "sort_keys": False, "width": 110} | options
    text = yaml.dump(value, allow_unicode=True, **options)
    return text if printable_lines(text) == text else yaml.dump(value, allow_unicode=False, **options)


def one_line(value: Any) -> str:
    """The same on one line."""
    return yaml_text(value, default_flow_style=True, width=10**9).removesuffix("...\n").strip()


def value_of(node: yaml.ScalarNode) -> Any:
    """A scalar's value; a number that was spelt in another way than Python prints it keeps its spelling.

    Raises ValueError with what is wrong.
    """
    kind, text = node.tag.removeprefix(_TAG), node.value
    if kind == "int":
        return _spelt(SpeltInt, _whole(text), text)
    try:
        value = Loader("").construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{text[:60]!r} cannot be read: {getattr(error, 'problem', None) or error}") from None
    return _spelt(SpeltFloat, value, text) if kind == "float" else value


def key_of(node: yaml.ScalarNode) -> str:
    """A key as it is spelt: names of parameters and of classes are text."""
    return node.value


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) <= 70 and _INT.match(digits):  # enough for the largest one in base 2
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
