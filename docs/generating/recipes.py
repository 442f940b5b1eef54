"""The recipe's sections, the parts that ship with imbalkit, and what else a recipe or sweep file may name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from generating.docstrings import docstring
from generating.parameters import PLURALS, cell, parameters
from generating.sections import anchor, sections
from imbalkit.catalogue import Catalogue, default_catalogue
from imbalkit.cli.tables.parts import description
from imbalkit.kinds import KINDS
from imbalkit.recipe.recipe import Recipe

OURS = "imbalkit"  # parts of other installed distributions are left out: the docs are of what ships


def recipe_sections() -> Iterator[str]:
    """The top level, then every section."""
    yield from parameters(Recipe)
    for section, path in sections().items():
        yield f"### `{path}` {{ #{anchor(section)} }}"
        yield ""
        yield from docstring(section)
        yield from parameters(section)


def built_in(catalogue: Catalogue, kind: str) -> list[str]:
    """Names of a kind's parts that ship with imbalkit."""
    return [name for name in catalogue.names(kind) if catalogue.provider(kind, name).distribution == OURS]


def parts(kind: str) -> Iterator[str]:
    """Every built-in part of a kind with its parameters."""
    catalogue = default_catalogue()
    for name in built_in(catalogue, kind):
        part = catalogue.get(kind, name)
        yield f"#### `{name}` {{ #{kind}-{name} }}"
        yield ""
        yield from docstring(part)
        extras = sorted(set(part.requires.values()))
        if extras:
            yield f"Needs `pip install '{' '.join(extras)}'`."
            yield ""
        yield from parameters(part)


def all_parts() -> Iterator[str]:
    """Every kind with its parts."""
    for kind, base in KINDS.items():
        yield f"### {PLURALS[kind].capitalize()}"
        yield ""
        yield from docstring(base, first=True)
        yield from parts(kind)


def renamed() -> Iterator[str]:
    """Names of earlier versions and the present ones, from the sections of a recipe and its parts."""
    catalogue = default_catalogue()
    rows = [(path, old, new) for section, path in sections().items() for old, new in section.renamed.items()]
    for kind in KINDS:
        for name in built_in(catalogue, kind):
            part = catalogue.get(kind, name)
            rows += [(kind, former, name) for former in part.former_names]
            rows += [(f"{kind} {name}", old, new) for old, new in part.renamed.items()]
    yield "| where | before | now |"
    yield "| --- | --- | --- |"
    yield from (f"| {where} | `{old}` | `{new}` |" for where, old, new in rows)
    yield ""


def registered(kind: str) -> Iterator[str]:
    """Recipes or sweeps that ship with imbalkit, by name."""
    catalogue = default_catalogue()
    files = {"recipe": catalogue.recipes, "sweep": catalogue.sweeps}[kind]
    yield f"| {kind} | what it is |"
    yield "| --- | --- |"
    for name in sorted(files):
        if catalogue.provider(kind, name).distribution == OURS:
            yield f"| `{name}` | {cell(description(files[name]))} |"
    yield ""


def keys(path: str) -> Iterator[str]:
    """The keys of a file that is not a recipe, such as "imbalkit.studies.sweeps.file.SweepSettings"."""
    module, _, name = path.rpartition(".")
    yield from (
        line.replace("](#", "](recipes.md#") for line in parameters(getattr(importlib.import_module(module), name))
    )
