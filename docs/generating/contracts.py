"""Hooks, and what a part of each kind must do."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from generating.docstrings import declared, docstring, members, methods_of, signature_text
from generating.parameters import parameters
from imbalkit import hookspecs, kinds
from imbalkit.catalogue import HOOKS
from imbalkit.cli.new_project import project_files
from imbalkit.kinds import KINDS, Part

_OF_EVERY_PART = ("kind", "renamed")


def hook_functions() -> dict[str, Any]:
    """Every hook by name, in the order of hookspecs.py."""
    return {name: item for name, item in vars(hookspecs).items() if hasattr(item, "imbalkit_spec")}


def hooks() -> Iterator[str]:
    """Every hook: signature and docstring."""
    for name, function in hook_functions().items():
        yield f"### `{name}` {{ #hook-{name} }}"
        yield ""
        yield f"```python\n{signature_text(name, function)}\n```"
        yield ""
        yield from docstring(function)


def kind_contracts() -> Iterator[str]:
    """Every kind: what its base class says, and the methods that a part writes."""
    for kind, base in _bases():
        anchor = kind.replace(" ", "-")
        yield from contract(base, f"### {kind}: `{base.__name__}` {{ #kind-{anchor} }}", HOOKS[base.kind])
        if base.model_fields:
            yield "These parameters come with it, so that a part need not declare them:"
            yield ""
            yield from (line.replace("](#", "](recipes.md#") for line in parameters(base))
        template = kind.replace(" ", "_")
        yield f"An example, which `imbalkit new {template} mine` writes with its tests:"
        yield ""
        yield from example(template)


def duties() -> Iterator[str]:
    """For each kind, what a part must write and what it may write besides."""
    yield "| kind | base class | must write | may write |"
    yield "| --- | --- | --- | --- |"
    for kind, base in _bases():
        must, may = ["name"], []
        for name, annotation in vars(base).get("__annotations__", {}).items():
            if "ClassVar" in str(annotation) and name not in _OF_EVERY_PART and not name.startswith("_"):
                (may if name in vars(base) else must).append(name)
        for name, item in methods_of(base):
            written_by_each = "raise NotImplementedError" in inspect.getsource(item)  # as imbalkit.kinds says of these
            shown = name if isinstance(declared(base)[name], property) else f"{name}()"
            (must if written_by_each else may).append(shown)
        cells = [", ".join(f"`{name}`" for name in names) or "none" for names in (must, may)]
        yield f"| [{kind}](#kind-{kind.replace(' ', '-')}) | `{base.__name__}` | {cells[0]} | {cells[1]} |"
    yield ""


def example(kind: str) -> Iterator[str]:
    """The part that `imbalkit new KIND mine` writes."""
    yield "```python"
    yield project_files(kind, "mine")["imbalkit_mine/part.py"].rstrip()
    yield "```"
    yield ""


def _bases() -> Iterator[tuple[str, type[Part]]]:
    for kind, base in KINDS.items():
        if kind == "sampler":
            yield "sampler", kinds.Sampler
            yield from (("scored sampler", kinds.ScoredSampler), ("feature sampler", kinds.FeatureSampler))
        elif kind == "stage":
            yield from (("stage", kinds.TrainedStage), ("solved stage", kinds.SolvedStage))
        else:
            yield kind, base


def contract(base: type[Part], heading: str, hook: str) -> Iterator[str]:
    """One base class: its docstring, class variables and methods."""
    yield heading
    yield ""
    yield f"Registered by [`{hook}`](#hook-{hook}). Shared by all parts: [`Part`](#class-part)."
    yield ""
    yield from docstring(base)
    yield from members(base)


def classes(names: str) -> Iterator[str]:
    """Public classes that parts meet, such as "imbalkit.kinds.Part imbalkit.data.table.Table"."""
    for path in names.split():
        module, _, name = path.rpartition(".")
        item = getattr(importlib.import_module(module), name)
        yield f"### `{path}` {{ #class-{name.lower()} }}"
        yield ""
        yield from docstring(item)
        yield from members(item)
