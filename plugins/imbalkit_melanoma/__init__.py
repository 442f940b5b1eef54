"""The melanoma plugin set: what a system for phones needs beside the built-in parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import Backbone, Dataset

if TYPE_CHECKING:
    from imbalkit.recipe.prepared import Prepared


@hookimpl
def register_backbones() -> list[type[Backbone]]:
    from imbalkit_melanoma.mobilenet import MobileNetV1

    return [MobileNetV1]


@hookimpl
def register_datasets() -> list[type[Dataset]]:
    from imbalkit_melanoma.datasets import DATASETS

    return DATASETS


@hookimpl
def report_sections(folder: Path, metrics: Mapping[str, Any], prepared: Prepared) -> Mapping[str, str]:
    from imbalkit_melanoma.source_probe.section import section

    return section(folder, metrics, prepared)


@hookimpl
def register_recipes() -> Mapping[str, Path]:
    """Every file of recipes/ by its place there: recipes/loss/ce.yaml is melanoma/loss/ce."""
    return _files("recipes")


@hookimpl
def register_sweeps() -> Mapping[str, Path]:
    return _files("sweeps")


def _files(folder: str) -> dict[str, Path]:
    root = Path(__file__).parent / folder
    return {
        f"melanoma/{path.relative_to(root).with_suffix('').as_posix()}": path for path in sorted(root.rglob("*.yaml"))
    }
