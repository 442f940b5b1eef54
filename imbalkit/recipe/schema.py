"""JSON Schema of recipes, with every installed part, for editors."""

from __future__ import annotations

from typing import Any

from imbalkit.catalogue import Catalogue
from imbalkit.kinds import Part
from imbalkit.recipe.recipe import Recipe


def recipe_schema(catalogue: Catalogue) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a recipe. A part is its name, or a mapping with its name and parameters."""
    schema = Recipe.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    for kind in catalogue.kinds():
        parts = [part_schema(catalogue.get(kind, name), definitions) for name in catalogue.names(kind)]
        bare = [name for name in catalogue.names(kind) if not _required(catalogue.get(kind, name))]
        definitions[kind] = {"anyOf": [*([{"enum": bare}] if bare else []), *parts]}
    schema["properties"]["base"] = {"type": "string", "description": "a recipe, by file or name, that this one changes"}
    schema.pop("required", None)  # with a base, `data` may come from there
    schema["anyOf"] = [{"required": ["data"]}, {"required": ["base"]}]
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return _with_references(schema, definitions)


def part_schema(part: type[Part], definitions: dict[str, Any]) -> dict[str, Any]:
    """A part's own schema: its name as a constant, and its parameters."""
    schema = part.model_json_schema(mode="validation")
    definitions.update(schema.pop("$defs", {}))
    schema["properties"] = {"name": {"const": part.name}, **schema.get("properties", {})}
    schema["required"] = ["name", *schema.get("required", [])]
    schema["title"] = part.name
    return schema


def _required(part: type[Part]) -> list[str]:
    return [name for name, field in part.model_fields.items() if field.is_required()]


def _with_references(value: Any, definitions: dict[str, Any]) -> Any:
    """{"x-kind": "loss"} as a reference to the definition of that kind; with "x-default" a mapping may lack its name."""
    if isinstance(value, dict):
        if "x-kind" in value:
            kind, default = value["x-kind"], value.get("x-default")
            rest = {key: item for key, item in value.items() if key not in ("x-kind", "x-default")}
            reference: dict[str, Any] = {"$ref": f"#/$defs/{kind}"}
            if default is not None:
                reference = {"anyOf": [reference, _nameless(kind, default, definitions)]}
            return {**reference, **_with_references(rest, definitions)}
        return {key: _with_references(item, definitions) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_references(item, definitions) for item in value]
    return value


def _nameless(kind: str, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a part whose name may be left out."""
    for schema in definitions[kind]["anyOf"]:
        if schema.get("title") == name:
            return {**schema, "required": [key for key in schema["required"] if key != "name"]}
    return {}  # not installed: nothing to say of its parameters
