"""What is installed: parts, their parameters, recipes and sweeps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

from imbalkit.base.console import console, plain
from imbalkit.catalogue import Catalogue
from imbalkit.errors import PluginError, listing, nearest
from imbalkit.kinds import Part


def part_facts(catalogue: Catalogue, what: str | None = None) -> list[dict[str, Any]]:
    """The installed parts: all, of a kind, or of a name. Raises PluginError if there is no such kind or name."""
    facts = [
        _part(catalogue, kind, name)
        for kind in catalogue.kinds()
        for name in catalogue.names(kind)
        if what in (None, kind, name)
    ]
    for kind, files in (("recipe", catalogue.recipes), ("sweep", catalogue.sweeps)):
        chosen = sorted(files) if what in (None, kind) else [name for name in files if name == what]
        facts += [
            {
                "kind": kind,
                "name": name,
                "from": str(catalogue.provider(kind, name)),
                "help": description(files[name]),
                "parameters": [],
                **({"file": str(files[name])} if name == what else {}),
            }
            for name in chosen
        ]
    if not facts and what not in catalogue.kinds():
        known = [*catalogue.kinds(), "recipe", "sweep", *catalogue.recipes, *catalogue.sweeps]
        known += [name for kind in catalogue.kinds() for name in catalogue.names(kind)]
        raise PluginError(
            f"there is no kind or part {what!r}{nearest(str(what), known)} (kinds: {listing(catalogue.kinds(), 20)})"
        )
    return facts


def _part(catalogue: Catalogue, kind: str, name: str) -> dict[str, Any]:
    part = catalogue.get(kind, name)
    return {
        "kind": kind,
        "name": name,
        "from": str(catalogue.provider(kind, name)),
        "help": first_line(part),
        "parameters": part_parameters(part),
    }


def description(file: Path) -> str:
    """The `description` of a recipe or sweep file, on one line, read without the rest of the file; empty without one."""
    import yaml

    lines = file.read_text(encoding="utf-8").splitlines()
    start = next((at for at, line in enumerate(lines) if re.match(r"description\s*:", line)), None)
    if start is None:
        return ""
    after = range(start + 1, len(lines))
    end = next((at for at in after if re.match(r"[^\s#]", lines[at])), len(lines))  # the next key, or the next document
    try:
        found = yaml.load(
            "\n".join(lines[start:end]), Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        )
    except yaml.YAMLError:
        return ""
    return " ".join(str(found["description"] or "").split())


def first_line(part: type[Part]) -> str:
    """The first line of a part's docstring."""
    return (part.__doc__ or "").strip().splitlines()[0] if part.__doc__ else ""


def part_parameters(part: type[Part]) -> list[dict[str, Any]]:
    """Name, type, default, unit and help of each parameter."""
    rows = []
    for name, info in part.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        default: Any = None if info.is_required() else info.get_default(call_default_factory=True)
        if hasattr(default, "model_dump"):
            default = default.model_dump(mode="json")
        rows.append(
            {
                "name": name,
                "required": info.is_required(),
                "type": type_text(part.model_json_schema()["properties"].get(name, {})),
                "default": default,
                "unit": extra.get("unit"),
                "help": info.description or "",
            }
        )
    return rows


def type_text(schema: Mapping[str, Any]) -> str:
    """A JSON Schema as a person reads it: "int or list of int"."""
    if "x-kind" in schema:
        return f"{'an' if schema['x-kind'][0] in 'aeo' else 'a'} {schema['x-kind']}"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_text(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "prefixItems" in schema:
        return "[" + ", ".join(type_text(item) for item in schema["prefixItems"]) + "]"
    if schema.get("type") == "array":
        return f"list of {type_text(schema.get('items', {}))}"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"mapping to {type_text(inner)}" if isinstance(inner, Mapping) and inner else "mapping"
    names = {"integer": "int", "number": "float", "string": "text", "boolean": "true | false", "null": "nothing"}
    return names.get(str(schema.get("type")), "any value")


def print_parts(facts: Sequence[Mapping[str, Any]], details: bool) -> None:
    """Parts as a table; with details, each with its parameters."""
    out = console()
    if not details:
        table = RichTable("kind", "name", "what it is", "from")
        last = None
        for fact in facts:
            if last not in (None, fact["kind"]):
                table.add_section()
            table.add_row(*map(plain, (fact["kind"], fact["name"], fact["help"], fact["from"])))
            last = fact["kind"]
        out.print(table)
        return
    for fact in facts:
        out.print(f"[bold]{plain(fact['name'])}[/bold] ({plain(fact['kind'])}, {plain(fact['from'])})")
        if fact["help"]:
            out.print(f"  {fact['help']}", markup=False)
        if "file" in fact:
            out.print(f"\n{Path(fact['file']).read_text(encoding='utf-8').rstrip()}", markup=False)
        if fact["parameters"]:
            table = RichTable("parameter", "type", "default", "unit", "help")
            for row in fact["parameters"]:
                default = "required" if row["required"] else _shown(row["default"])
                table.add_row(
                    *(plain(cell) for cell in (row["name"], row["type"], default, row["unit"] or "", row["help"]))
                )
            out.print(table)


def _shown(default: Any) -> str:
    return "none" if default is None else str(default)
