"""Writes the reference parts of the docs from the classes: a hook of mkdocs, which calls `on_page_markdown`.

A page holds a line such as `<!-- generated: parts of loss -->`; `fill` puts the text in its place. An unknown line
fails the build, so that nothing is missing without notice.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from imbalkit import hookspecs, kinds
from imbalkit.catalogue import HOOKS, Catalogue, default_catalogue
from imbalkit.cli.main import COMMANDS
from imbalkit.cli.new_project import project_files
from imbalkit.cli.tables.parts import description, type_text
from imbalkit.kinds import KINDS, Part, Settings
from imbalkit.recipe.recipe import Recipe

PLACEHOLDER = re.compile(r"^<!-- generated: (.+?) -->$", re.MULTILINE)
OURS = "imbalkit"  # parts of other installed distributions are left out: the docs are of what ships
PLURALS = {kind: hook.removeprefix("register_") for kind, hook in HOOKS.items()}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """mkdocs gives this each page's text."""
    return fill(markdown)


def fill(markdown: str) -> str:
    """The page with every placeholder replaced. Raises ValueError for an unknown one."""

    def replace(match: re.Match[str]) -> str:
        for pattern, write in GENERATORS.items():
            found = re.fullmatch(pattern, match.group(1))
            if found:
                return "\n".join(write(*found.groups()))
        raise ValueError(f"no generator for the placeholder {match.group(0)!r}")

    return PLACEHOLDER.sub(replace, markdown)


# --- parameters -------------------------------------------------------------------------------------------------------


def parameters(model: type[Settings]) -> Iterator[str]:
    """A table of a model's fields: name, type with limits, default, unit and help."""
    schema = model.model_json_schema()
    if not model.model_fields:
        yield "No parameters."
        yield ""
        return
    yield "| parameter | type | default | help |"
    yield "| --- | --- | --- | --- |"
    for name, info in model.model_fields.items():
        nested = _section_of(info.annotation)
        shape = schema["properties"].get(name, {})
        if _of_part(nested):
            kind = "mapping of " + ", ".join(f"`{key}`" for key in nested.model_fields)
        else:
            kind = f"section [{_title(nested)}](#{_anchor(nested)})" if nested else _kind_links(_type(shape))
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        help_text = info.description or ""
        if extra.get("unit"):
            help_text += f" (unit: {extra['unit']})"
        value = None if info.is_required() else info.get_default(call_default_factory=True)
        optional = nested is not None and type(None) in typing.get_args(info.annotation)
        default = "**required**" if info.is_required() else _default(value, nested is not None and not optional)
        yield f"| `{name}` | {kind} | {default} | {_cell(help_text)} |"
    yield ""


def _type(schema: dict[str, Any]) -> str:
    return _cell(type_text(_pairs(schema)) + _limits(schema))


def _pairs(schema: dict[str, Any]) -> dict[str, Any]:
    """A pair [low, high] as an enum of one, which `type_text` shows as it is."""
    if "prefixItems" in schema:
        return {"enum": [f"[{', '.join(type_text(item) for item in schema['prefixItems'])}]"]}
    if "anyOf" in schema:
        return {**schema, "anyOf": [_pairs(option) for option in schema["anyOf"]]}
    return schema


def _limits(schema: dict[str, Any]) -> str:
    """ ", >= 0, < 1", of the value itself or of the one alternative that has limits."""
    options = [schema, *schema.get("anyOf", []), *schema.get("prefixItems", [])[:1]]
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    for option in options:
        found = [f"{sign} {option[key]:.10g}" for key, sign in signs.items() if key in option]
        if found:
            return "; " + ", ".join(found)
    return ""


def _kind_links(text: str) -> str:
    return re.sub(r"\ban? (\w+)\b", lambda m: f"[{m[1]}](#{PLURALS[m[1]]})" if m[1] in PLURALS else m[0], text)


def _default(value: Any, section: bool) -> str:
    if section:
        return "its defaults"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`" if value != "" else "empty"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


# --- the recipe -------------------------------------------------------------------------------------------------------


def _section_of(annotation: Any) -> type[Settings] | None:
    """The section that a field holds, also where it may be left out."""
    options = (
        typing.get_args(annotation)
        if typing.get_origin(annotation) in (typing.Union, types.UnionType)
        else [annotation]
    )
    for option in options:
        if inspect.isclass(option) and issubclass(option, Settings) and not issubclass(option, Part):
            return option
    return None


@lru_cache
def sections() -> dict[type[Settings], str]:
    """Every section of a recipe with its path ("training.optimizer"), in the recipe's order."""
    found: dict[type[Settings], str] = {}

    def walk(model: type[Settings], path: str) -> None:
        for name, info in model.model_fields.items():
            section = _section_of(info.annotation)
            if section is not None:
                found[section] = f"{path}{name}"
                walk(section, f"{path}{name}.")

    walk(Recipe, "")
    return found


def _title(section: type[Settings]) -> str:
    return f"`{sections()[section]}`"


def _of_part(section: type[Settings] | None) -> bool:
    """Whether a section belongs to a part, such as the limits of an export, and not to the recipe."""
    return section is not None and section not in sections()


def _anchor(section: type[Settings]) -> str:
    return "section-" + sections()[section].replace(".", "-")


def recipe_sections() -> Iterator[str]:
    """The top level, then every section."""
    yield from parameters(Recipe)
    for section, path in sections().items():
        yield f"### `{path}` {{ #{_anchor(section)} }}"
        yield ""
        yield from docstring(section)
        yield from parameters(section)


# --- parts ------------------------------------------------------------------------------------------------------------


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
            yield f"| `{name}` | {_cell(description(files[name]))} |"
    yield ""


def keys(path: str) -> Iterator[str]:
    """The keys of a file that is not a recipe, such as "imbalkit.studies.sweeps.file.SweepSettings"."""
    module, _, name = path.rpartition(".")
    yield from (
        line.replace("](#", "](recipes.md#") for line in parameters(getattr(importlib.import_module(module), name))
    )


# --- hooks and kinds --------------------------------------------------------------------------------------------------


def hook_functions() -> dict[str, Any]:
    """Every hook by name, in the order of hookspecs.py."""
    return {name: item for name, item in vars(hookspecs).items() if hasattr(item, "imbalkit_spec")}


def hooks() -> Iterator[str]:
    """Every hook: signature and docstring."""
    for name, function in hook_functions().items():
        yield f"### `{name}` {{ #hook-{name} }}"
        yield ""
        yield f"```python\n{_signature(name, function)}\n```"
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


_OF_EVERY_PART = ("kind", "renamed")


def duties() -> Iterator[str]:
    """For each kind, what a part must write and what it may write besides."""
    yield "| kind | base class | must write | may write |"
    yield "| --- | --- | --- | --- |"
    for kind, base in _bases():
        must, may = ["name"], []
        for name, annotation in vars(base).get("__annotations__", {}).items():
            if "ClassVar" in str(annotation) and name not in _OF_EVERY_PART and not name.startswith("_"):
                (may if name in vars(base) else must).append(name)
        for name, item in _methods(base):
            written_by_each = "raise NotImplementedError" in inspect.getsource(item)
            shown = name if isinstance(_declared(base)[name], property) else f"{name}()"
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


def _declared(base: type) -> dict[str, Any]:
    """What a class declares; of a sampler or stage also what the base of both kinds of them does."""
    shared = next((vars(both) for both in (kinds.AnySampler, kinds.AnyStage) if issubclass(base, both)), {})
    return {**vars(base), **{name: item for name, item in shared.items() if name not in vars(base)}}


def _methods(base: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties that a base class declares, those of bases below Part too, as functions."""
    for name, item in _declared(base).items():
        function = item.fget if isinstance(item, property) else getattr(item, "__func__", item)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


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
    for name, function in _methods(base):
        mark = {property: "@property\n", classmethod: "@classmethod\n"}.get(type(_declared(base)[name]), "")
        methods.append((name, function, mark))
    if lines:
        yield "```python"
        yield from lines
        yield "```"
        yield ""
    for name, function, mark in methods:
        yield f"```python\n{mark}{_signature(name, function)}\n```"
        yield ""
        yield from docstring(function)


def _signature(name: str, function: Callable[..., Any]) -> str:
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


# --- commands ---------------------------------------------------------------------------------------------------------


def commands() -> Iterator[str]:
    """Every built-in command as its --help says."""
    import click

    for name, (module, _) in COMMANDS.items():
        command = importlib.import_module(module).command
        text = command.get_help(
            click.Context(command, info_name=f"imbalkit {name}", max_content_width=88, terminal_width=88)
        )
        yield f"### `imbalkit {name}` {{ #command-{name} }}"
        yield ""
        yield f"```text\n{text}\n```"
        yield ""


GENERATORS: dict[str, Callable[..., Iterator[str]]] = {
    r"sections of the recipe": recipe_sections,
    r"all parts": all_parts,
    r"parts of (\w+)": parts,
    r"renamed": renamed,
    r"registered (recipe|sweep)s": registered,
    r"keys of (\S+)": keys,
    r"hooks": hooks,
    r"duties of kinds": duties,
    r"kinds": kind_contracts,
    r"classes (.+)": classes,
    r"commands": commands,
}
