"""Checks of a recipe that import torch and timm: made before a run, left out of planning."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterable

from imbalkit.errors import DataError, nearest
from imbalkit.kinds import Backbone, BuildContext
from imbalkit.recipe.document import Place
from imbalkit.recipe.optimizer_checks import name_problem, option_problems
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
    elif name != ADAMW and (problem := name_problem(name)) is not None:
        yield ("training", "optimizer", "name"), problem
    elif settings.optimizer.options:
        for message in option_problems(settings.optimizer):
            yield ("training", "optimizer", "options"), message
    if settings.schedule.name not in SCHEDULES:
        name = settings.schedule.name
        yield ("training", "schedule", "name"), f"there is no schedule {name!r}{nearest(name, SCHEDULES)}"
    if settings.accelerator == "cuda" and not torch.cuda.is_available():
        yield ("training", "accelerator"), "this machine has no CUDA device; use auto or cpu"
    if settings.precision == "fp16" and (settings.accelerator == "cpu" or not torch.accelerator.is_available()):
        yield ("training", "precision"), "fp16 needs a GPU; use bf16 or fp32 on a CPU"
    yield from tracker_problems(recipe)
    for place, part in parts_of(recipe):
        found = list(part.problems())
        if not found and isinstance(part, Backbone) and getattr(part, "weights", None):
            found = [("weights", message) for message in _misfits(part)]
        for name, message in found:
            yield (*place, name), message


def _misfits(backbone: Backbone) -> list[str]:
    """Why the file that a backbone starts from fits it neither for images in colour nor in grey; built without memory."""
    import torch

    found = []
    for channels in (3, 1):
        try:
            with torch.device("meta"), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that nothing is copied
                backbone.build(BuildContext(("0", "1"), (1, 1), channels=channels))
            return []
        except DataError as error:
            found.append(str(error))
        except Exception:  # a network that cannot be built so is built, and its weights are read, in the run
            return []
    return found[:1]
