"""Long-tailed recognition: the protocols that published methods are compared with, as recipes and sweeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imbalkit.hookspecs import hookimpl


@hookimpl
def register_recipes() -> Mapping[str, Path]:
    """Every file of recipes/ by its place there: recipes/cifar10-100/ce.yaml is longtail/cifar10-100/ce."""
    return _files("recipes")


@hookimpl
def register_sweeps() -> Mapping[str, Path]:
    return _files("sweeps")


def _files(folder: str) -> dict[str, Path]:
    root = Path(__file__).parent / folder
    return {
        f"longtail/{path.relative_to(root).with_suffix('').as_posix()}": path for path in sorted(root.rglob("*.yaml"))
    }
