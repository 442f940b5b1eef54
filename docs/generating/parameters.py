"""A table of a model's fields: name, type with limits, default, unit and help."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from typing import Any

from generating.sections import anchor, of_part, section_of, title
from imbalkit.catalogue import HOOKS
from imbalkit.cli.tables.parts import type_text
from imbalkit.kinds import Settings

PLURALS = {kind: hook.removeprefix("register_") for kind, hook in HOOKS.items()}


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
        nested = section_of(info.annotation)
        shape = schema["properties"].get(name, {})
        if of_part(nested):
            kind = "mapping of " + ", ".join(f"`{key}`" for key in nested.model_fields)
        else:
            kind = f"section [{title(nested)}](#{anchor(nested)})" if nested else _kind_links(_type(shape))
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        help_text = info.description or ""
        if extra.get("unit"):
            help_text += f" (unit: {extra['unit']})"
        value = None if info.is_required() else info.get_default(call_default_factory=True)
        optional = nested is not None and type(None) in typing.get_args(info.annotation)
        default = "**required**" if info.is_required() else _default(value, nested is not None and not optional)
        yield f"| `{name}` | {kind} | {default} | {cell(help_text)} |"
    yield ""


def _type(schema: dict[str, Any]) -> str:
    return cell(type_text(_pairs(schema)) + _limits(schema))


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


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
