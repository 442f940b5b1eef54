"""Docstrings, signatures and members of classes as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

from imbalkit import kinds
from imbalkit.kinds import Settings


def docstring(item: Any, first: bool = False) -> Iterator[str]:
    """A docstring as Markdown; `Args:` and the like become lists. `first`: its first paragraph alone."""
    text = inspect.cleandoc(item.__doc__ or "")
    if first:
        text = text.split("\n\n")[0]
    listing = False
    for line in text.splitlines():
        head = re.fullmatch(r"(Args|Attributes|Returns|Raises):", line)
        if head:
            listing = True
            yield f"{head[1].replace('Args', 'Arguments')}:"
            yield ""
        elif listing and line.startswith("    "):
            entry = re.match(r"    (\w[\w, ]*): (.*)", line)
            continued = line.startswith("     ")
            yield f"  {line.strip()}" if continued else f"- `{entry[1]}`: {entry[2]}" if entry else f"- {line.strip()}"
        else:
            listing = listing and not line.strip()
            yield line
    yield ""


def signature_text(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    bare = [item.replace(annotation=_Bare(item.annotation)) for item in signature.parameters.values()]
    result = signature.replace(parameters=bare, return_annotation=_Bare(signature.return_annotation))
    text = f"def {name}{result}".replace(" -> <empty>", "").replace(": <empty>", "")
    if len(text) > 100:
        arguments = ",\n    ".join(str(item).replace(": <empty>", "") for item in bare)
        text = f"def {name}(\n    {arguments},\n) -> {_Bare(signature.return_annotation)!r}"
    return text


class _Bare:
    """An annotation as it stands in the source (they are text there), without quotes."""

    def __init__(self, annotation: Any):
        self.text = "<empty>" if annotation is inspect.Parameter.empty else str(annotation)

    def __repr__(self) -> str:
        return self.text


def declared(base: type) -> dict[str, Any]:
    """What a class declares; of a sampler or stage also what the base of both kinds of them does."""
    shared = next((vars(both) for both in (kinds.AnySampler, kinds.AnyStage) if issubclass(base, both)), {})
    return {**vars(base), **{name: item for name, item in shared.items() if name not in vars(base)}}


def methods_of(base: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that a base class declares, those of bases below Part too, as functions."""
    for name, item in declared(base).items():
        function = item.fget if isinstance(item, property) else getattr(item, "__func__", item)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def members(base: type) -> Iterator[str]:
    """Class variables and public methods that the class itself declares."""
    lines = []
    for name, annotation in vars(base).get("__annotations__", {}).items():
        public = not name.startswith("_") and name not in getattr(base, "model_fields", {})
        if public and ("ClassVar" in str(annotation) or not issubclass(base, Settings)) and name != "kind":
            text = re.sub(r"^ClassVar\[(.*)\]$", r"\1", str(annotation))
            value = vars(base).get(name, ...)
            lines.append(f"{name}: {text}" + ("" if value is ... else f" = {value!r}"))
    methods = []
    for name, function in methods_of(base):
        mark = {property: "@property\n", classmethod: "@classmethod\n"}.get(type(declared(base)[name]), "")
        methods.append((name, function, mark))
    if lines:
        yield "```python"
        yield from lines
        yield "```"
        yield ""
    for name, function, mark in methods:
        yield f"```python\n{mark}{signature_text(name, function)}\n```"
        yield ""
        yield from docstring(function)
