"""Commands that plugins add, found by the names of their entry points: none is imported before it is called."""

from __future__ import annotations

import ast
from collections.abc import Collection
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from imbalkit_lite.errors import ImbalkitError

ENTRY_POINTS = "imbalkit.commands"


class CommandNameError(ImbalkitError):
    """A command of a plugin bears a name that is taken."""


def plugin_commands(built_in: Collection[str]) -> dict[str, EntryPoint]:
    """The commands by name, sorted. Raises CommandNameError for a name of a built-in command or of another plugin's."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        other = found.setdefault(entry.name, entry)
        if entry.name in built_in:
            raise CommandNameError(
                f"command {entry.name!r} of {owner(entry)} ({entry.value}) has the name of a command of imbalkit: rename it in "
                f"the entry points [{ENTRY_POINTS}] of {owner(entry)}, or uninstall that"
            )
        if other.value != entry.value or owner(other) != owner(entry):
            raise CommandNameError(
                f"command {entry.name!r} is in both {owner(other)} ({other.value}) and {owner(entry)} ({entry.value}): rename "
                f"one in its entry points [{ENTRY_POINTS}], or uninstall one"
            )
    return dict(sorted(found.items()))


def owner(entry: EntryPoint) -> str:
    """The distribution that an entry point is of."""
    return entry.dist.name if entry.dist else "an unknown distribution"


def summary(entry: EntryPoint) -> str:
    """The first line of a command's docstring, read from its source; that of its module; or whose command it is."""
    source = _source(entry.module)
    try:
        tree: ast.Module = ast.parse(source.read_bytes()) if source else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        tree = ast.Module([], [])
    found: list[ast.FunctionDef | ast.Module] = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry.attr
    ]
    for node in [*found, tree]:
        text = ast.get_docstring(node)
        if text and text.strip():
            return " ".join(text.split("\n\n")[0].split())
    return f"From {owner(entry)}."


def _source(module: str) -> Path | None:
    """The file of a module, without importing the packages that it lies in."""
    first, *rest = module.split(".")
    try:
        spec: ModuleSpec | None = find_spec(first)
        for name in rest:
            if spec is None or spec.submodule_search_locations is None:
                return None
            spec = PathFinder.find_spec(f"{spec.name}.{name}", spec.submodule_search_locations)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None
