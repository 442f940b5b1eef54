"""Plain data as YAML that reads back exactly, whichever YAML 1.1 or 1.2 reader it meets."""

from __future__ import annotations

import re
from typing import Any

import yaml

from imbalkit_lite.text import printable_lines

INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
FLOAT = re.compile(
    r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"
)
TAG = "tag:yaml.org,2002:"


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


class Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1, YAML 1.2 or this loader would read as something else."""


for _name, _regex, _first in (("int", INT, "-+0123456789"), ("float", FLOAT, "-+0123456789.")):
    Dumper.add_implicit_resolver(TAG + _name, _regex, list(_first))


def _represent(dumper: Dumper, value: Any) -> yaml.Node:
    return dumper.represent_scalar(TAG + ("int" if isinstance(value, int) else "float"), str(value))


def _represent_text(dumper: Dumper, value: str) -> yaml.Node:
    return dumper.represent_scalar(TAG + "str", value, style=None if value.isprintable() else '"')


Dumper.add_representer(str, _represent_text)
Dumper.add_representer(SpeltInt, _represent)
Dumper.add_representer(SpeltFloat, _represent)


def yaml_text(value: Any, **options: Any) -> str:
    """Plain data as YAML that reads back exactly; text that would not show as it is, is written in escapes.

    `options`: as of yaml.dump.
    """
    given: dict[str, Any] = {"Dumper": Dumper, "sort_keys": False, "width": 110} | options
    text: str = yaml.dump(value, allow_unicode=True, **given)
    return text if printable_lines(text) == text else yaml.dump(value, allow_unicode=False, **given)


def one_line(value: Any) -> str:
    """The same on one line."""
    return yaml_text(value, default_flow_style=True, width=10**9).removesuffix("...\n").strip()
