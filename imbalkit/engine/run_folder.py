"""Opening a run folder: a new one with its recipe and facts, or that of a run to go on with."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from imbalkit.base.files import write_csv, write_json
from imbalkit.engine.resume import find_run, go_on
from imbalkit.errors import RunError
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.recipe import save_recipe
from imbalkit.recipe.traverse import initial_weights_of
from imbalkit.runs import folder as run_folder

_VERSIONS = (
    "imbalkit",
    "torch",
    "torchvision",
    "timm",
    "kornia",
    "lightning-fabric",
    "scikit-learn",
    "numpy",
    "pandas",
)


def open_folder(
    prepared: Prepared,
    runs: Path,
    folder: Path | None,
    resume: bool,
    note: Callable[[str], object] = lambda text: None,
) -> Path:
    """The folder to run in: a new one, or with `resume` the latest one of this very recipe.

    Args:
        prepared: the run's recipe and data
        runs: where run folders are made, and looked for
        folder: the run folder itself
        resume: go on with a run
        note: called with what is found, or that nothing is

    Raises:
        RunError: the folder named holds another recipe or another run's data, or it cannot be made
        DataError: weights to start from cannot be had
    """
    recipe = prepared.recipe
    if resume and folder is None:
        folder = find_run(prepared, runs, note)
    if folder is not None and (folder / run_folder.FACTS).exists():
        go_on(prepared, folder, resume, note)
        return folder
    if folder is not None and folder.exists() and not _only_begun(folder):
        raise RunError(f"{folder} is not empty and holds no run; choose another folder")
    try:
        facts = _facts(prepared)  # first: weights to start from may be fetched, and fail to be
        folder = folder or _new_folder(runs, prepared.name)
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(recipe, folder / run_folder.RECIPE)
        removed = prepared.table.removed
        if removed is not None:
            write_csv(folder / run_folder.REMOVED, removed)
        write_json(folder / run_folder.FACTS, facts)
    except OSError as error:
        raise RunError(f"the run folder {folder or runs} cannot be written: {error}") from error
    return folder


def _only_begun(folder: Path) -> bool:
    """Whether a folder is empty, or holds what a run leaves that was killed before it had written run.json."""
    before = (run_folder.RECIPE, run_folder.REMOVED, run_folder.SAMPLES)
    return all(file.name in before or file.name.startswith(".") for file in folder.iterdir())


def _new_folder(runs: Path, name: str) -> Path:
    runs.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for suffix in ["", *(f"-{number}" for number in range(2, 1000))]:
        folder = runs / f"{name}-{stamp}{suffix}"
        try:
            folder.mkdir()  # fails if another run has it
        except FileExistsError:
            continue
        return folder
    raise RunError(f"{runs} has no free name for a run of {name}")


def _facts(prepared: Prepared) -> dict[str, Any]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in _VERSIONS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    plugins = {provider.plugin: str(provider) for provider in prepared.catalogue.providers()}
    return {
        "name": prepared.name,
        "recipe_hash": prepared.recipe.hash,
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv),
        "directory": os.getcwd(),  # where relative paths of the recipe start
        "seed": prepared.recipe.seed,
        "split_seed": prepared.recipe.split.seed,
        "classes": list(prepared.classes),
        "positive": prepared.classes[prepared.positive] if prepared.positive is not None else None,
        "data_notes": list(prepared.table.all_notes),
        "initial_weights": initial_weights_of(prepared.recipe),
        "variables": list(prepared.variables),  # of the environment, in the recipe's paths
        "data_cautions": list(prepared.table.cautions),
        "versions": versions,
        "plugins": plugins,
        "machine": {"system": platform.system(), "processor": platform.machine()},
    }
