"""Checks of a recipe that import torch and timm: made before a run, left out of planning."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from imbalkit.errors import nearest
from imbalkit.recipe.document import Place
from imbalkit.recipe.recipe import Recipe
from imbalkit.recipe.traverse import parts_of

ADAMW = "adamw"  # the default optimiser, built without timm, whose import takes seconds
SCHEDULES = ("one_cycle", "constant", *("cosine", "tanh", "step", "multistep", "poly"))  # ours, and timm's


def optimizer_names() -> list[str]:
    """Optimisers that a recipe may name: timm's. Its import takes seconds."""
    import timm.optim

    return [str(name) for name in timm.optim.list_optimizers()]


def tracker_problems(recipe: Recipe) -> Iterable[tuple[Place, str]]:
    """(place, message) for trackers of the recipe whose package is not installed."""
    for name in ("mlflow", "wandb"):
        if getattr(recipe.logging, name) and importlib.util.find_spec(name) is None:
            yield ("logging", name), f"needs the package {name}: pip install 'imbalkit[{name}]'"


def runtime_problems(recipe: Recipe) -> Iterable[tuple[Place, str]]:
    """(place, message) for names that timm or torch do not know, and devices that this machine lacks."""
    import torch

    settings = recipe.training
    name = settings.optimizer.name
    if name != ADAMW and name not in optimizer_names():
        known = optimizer_names()
        yield ("training", "optimizer", "name"), f"timm has no optimiser {name!r}{nearest(name, known)}"
    if settings.schedule.name not in SCHEDULES:
        name = settings.schedule.name
        yield ("training", "schedule", "name"), f"there is no schedule {name!r}{nearest(name, SCHEDULES)}"
    if settings.accelerator == "cuda" and not torch.cuda.is_available():
        yield ("training", "accelerator"), "this machine has no CUDA device; use auto or cpu"
    if settings.precision == "fp16" and (settings.accelerator == "cpu" or not torch.accelerator.is_available()):
        yield ("training", "precision"), "fp16 needs a GPU; use bf16 or fp32 on a CPU"
    yield from tracker_problems(recipe)
    for place, part in parts_of(recipe):
        for name, message in part.problems():
            yield (*place, name), message
