"""The sections of a recipe: where each stands, and how pages name it."""

from __future__ import annotations

import inspect
import types
import typing
from functools import lru_cache
from typing import Any

from imbalkit.kinds import Part, Settings
from imbalkit.recipe.recipe import Recipe


def section_of(annotation: Any) -> type[Settings] | None:
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
            section = section_of(info.annotation)
            if section is not None:
                found[section] = f"{path}{name}"
                walk(section, f"{path}{name}.")

    walk(Recipe, "")
    return found


def title(section: type[Settings]) -> str:
    return f"`{sections()[section]}`"


def of_part(section: type[Settings] | None) -> bool:
    """Whether a section belongs to a part, such as the limits of an export, and not to the recipe."""
    return section is not None and section not in sections()


def anchor(section: type[Settings]) -> str:
    return "section-" + sections()[section].replace(".", "-")
