"""The run folder: where it is, what is in it, and how one is found again."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from imbalkit.base.csv_files import write_csv
from imbalkit.errors import RunError, WriteError, listing
from imbalkit.recipe.recipe import save_recipe
from imbalkit_lite.files import delete_temporaries, write_text, writing
from imbalkit_lite.text import json_text

if TYPE_CHECKING:
    from imbalkit.recipe.prepare import Prepared

RECIPE, FACTS, METRICS = "recipe.yaml", "run.json", "metrics.json"
PLAN, PREDICTIONS, LOG, WEIGHTS, REPORT = (
    "plan.parquet",
    "predictions.parquet",
    "log.jsonl",
    "model.safetensors",
    "report.html",
)
REMOVED = "removed.csv"
CHECKPOINTS = "checkpoints"
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
        note: told what is found, and where nothing is

    Raises RunError if the folder named holds another recipe or another run's data, or if it cannot be made.
    """
    from imbalkit.engine import resume as resuming

    recipe = prepared.recipe
    if resume and folder is None:
        folder = resuming.find_run(prepared, runs, note)
    if folder is not None and (folder / FACTS).exists():
        resuming.go_on(prepared, folder, resume, note)
        return folder
    if folder is not None and folder.exists() and not _only_begun(folder):
        raise RunError(f"{folder} is not empty and holds no run; choose another folder")
    try:
        folder = folder or _new_folder(runs, prepared.name)
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(recipe, folder / RECIPE)
        removed = prepared.table.removed
        if removed is not None:
            write_csv(folder / REMOVED, removed)
        write_json(folder / FACTS, _facts(prepared))
    except OSError as error:
        raise RunError(f"the run folder {folder or runs} cannot be written: {error}") from error
    return folder


def _only_begun(folder: Path) -> bool:
    """Whether a folder is empty, or holds what a run leaves that was killed before it had written run.json."""
    return all(file.name in (RECIPE, REMOVED) or file.name.startswith(".") for file in folder.iterdir())


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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process. Raises RunError if another one works on it."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    try:
        with writing(folder / ".lock"):
            lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"{folder} is being worked on by another process") from None
    delete_temporaries(folder)
    try:
        yield
    finally:
        lock.release()


def is_finished(folder: Path) -> bool:
    """Whether the run came to its end."""
    return (folder / METRICS).exists()


def _facts(prepared: Prepared) -> dict[str, Any]:
    versions = {"python": platform.python_version()}
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
        "variables": list(prepared.variables),  # of the environment, in the recipe's paths
        "data_cautions": list(prepared.table.cautions),
        "versions": versions,
        "plugins": plugins,
        "machine": {"system": platform.system(), "processor": platform.machine()},
    }


def note(folder: Path, **facts: Any) -> None:
    """Add what is known now to the run's facts."""
    write_json(folder / FACTS, read_json(folder / FACTS) | facts)


def note_finished(folder: Path, **more: Any) -> None:
    """Write the time, and what else is known now, into the run's facts."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    note(folder, finished=now, **more)


def read_facts(folder: Path) -> dict[str, Any]:
    """run.json of a run folder. Raises RunError if it is not there or not whole."""
    path = folder / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}): put it back from a copy, or choose another folder") from error
    if not isinstance(facts, dict):
        raise RunError(f"{path} cannot be read: expected what `imbalkit run` writes, got {str(facts)[:40]!r}")
    return facts


def read_json(path: Path) -> dict[str, Any]:
    """A mapping in a JSON file; empty if it is not one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON, whole or not at all. Raises WriteError."""
    write_text(path, json_text(data, indent=2, allow_nan=False) + "\n")


def append_log(folder: Path, entry: Mapping[str, Any]) -> None:
    """One line of log.jsonl, whole or not at all. Raises WriteError."""
    line = json_text(entry, default=float).encode() + b"\n"
    with writing(folder / LOG), (folder / LOG).open("ab+", buffering=0) as log:
        whole = log.tell()
        if whole and _last_byte(log) != b"\n":  # a line that a kill cut short
            line = b"\n" + line
        try:
            while line:
                line = line[log.write(line) :]
        except OSError:
            with suppress(OSError):  # of what is no file
                log.truncate(whole)
            raise


@contextmanager
def told_what_is_whole(folder: Path) -> Iterator[None]:
    """Within it, a file that cannot be written is a RunError that says what an unfinished run has on disk."""
    try:
        yield
    except WriteError as error:
        lost = error.path.stem if error.path.parent.name == CHECKPOINTS else None
        epochs = {entry["stage"]: entry["epoch"] for entry in read_log(folder) if {"stage", "epoch"} <= set(entry)}
        kept = {stage: epoch - (stage == lost) for stage, epoch in epochs.items()}
        said = listing(f"{stage} up to epoch {epoch}" for stage, epoch in kept.items() if epoch > 0)
        raise RunError(
            f"{error}. Whole so far: {said or 'nothing that took long'}. Mend that, then go on with --resume"
        ) from error


def _last_byte(file: IO[bytes]) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The log, one entry an epoch: an epoch that a killed run had begun to write, or did twice, counts once."""
    entries: dict[tuple[Any, Any], dict[str, Any]] = {}
    path = folder / LOG
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        entries[entry.get("stage"), entry.get("epoch")] = entry
    return list(entries.values())
