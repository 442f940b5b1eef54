"""imbalkit: train image classifiers on imbalanced data. Nothing heavy is imported before it is used."""

from __future__ import annotations

import importlib
from typing import Any

from imbalkit_lite import containers as _containers

__version__ = "0.1.0"
__all__ = ["Plan", "Run", "compare", "ensemble", "hookimpl", "prepare", "run"]

_HOMES = {
    "Plan": "imbalkit.plan",
    "Run": "imbalkit.notebook.run",
    "compare": "imbalkit.studies.comparison",
    "ensemble": "imbalkit.notebook.run",
    "hookimpl": "imbalkit.hookspecs",
    "prepare": "imbalkit.recipe.prepare",
    "run": "imbalkit.notebook.run",
}
_containers.INSTALLED = "imbalkit.catalogue:container_kinds"  # imported when a path leads into a container


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'imbalkit' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
