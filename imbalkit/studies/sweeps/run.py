"""A sweep: every cell of a sweep file is a run of its own, started by the launcher; what is finished stays."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from imbalkit.base.processes import launched
from imbalkit.base.progress import Progress
from imbalkit.catalogue import default_catalogue
from imbalkit.engine.observers import Observers
from imbalkit.engine.pool import with_jobs
from imbalkit.errors import RunError, listing
from imbalkit.recipe.difference import show_difference
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs import folder as run_folder
from imbalkit.runs.data_record import read_record, record_of, refuse_other_data, sweep_record
from imbalkit.studies.sweeps.cell import CELLS, DONE, ERRORS, LOGS
from imbalkit.studies.sweeps.checks import check_cells
from imbalkit.studies.sweeps.file import SweepFile, read_launcher, read_sweep
from imbalkit.studies.sweeps.results import Results, finished_rows
from imbalkit.studies.sweeps.run_cells import run_cells
from imbalkit.studies.sweeps.unchanged import changed_keys
from imbalkit_lite.files import write_text

SWEEP = "sweep.yaml"


def sweep(
    file: str | Path,
    folder: str | Path | None = None,
    jobs: int | None = None,
    resume: bool = False,
    without: tuple[str, ...] = (),
    progress: Progress | None = None,
    launcher: str | None = None,
) -> Path:
    """Run every cell of a sweep file.

    Args:
        file: a sweep file, or the name of a registered sweep
        folder: the sweep folder (default: sweeps/NAME)
        jobs: how many cells run at once (default: as the launcher says)
        resume: go on with the folder: finished cells stay, failed and unfinished ones run
        without: plugins to leave out
        progress: is given every finished cell
        launcher: what runs the cells, as a file may say it: a name, or "{name: slurm, partition: gpu}" (default: as the file)

    Returns:
        the sweep folder, with sweep.parquet, predictions/, and tables/ of the finished cells

    Raises:
        RecipeError: every mistake of every cell, before anything runs
        RunError: torchrun or srun started this process with others; the folder holds another sweep; cells failed
            (their errors are saved, the others are finished)
    """
    progress = progress or Progress()
    launch = launched()
    if launch is not None and launch.processes > 1:
        raise RunError(f"a sweep starts processes of its own: start it without {launch.launcher}")
    catalogue = default_catalogue(tuple(without))
    found = read_sweep(file, catalogue)
    chosen = with_jobs(read_launcher(launcher, catalogue) if launcher else found.settings.launcher, jobs)
    folder = Path(folder) if folder else Path("sweeps") / found.name
    prepared = check_cells(found, catalogue, finished=finished_rows(folder) if resume else ())
    open_sweep_folder(folder, resume)
    for note in data_notes(prepared.values()):
        progress.note(f"note: {note}")
    with run_folder.locked(folder, others_below=True):
        results = Results(folder, found, catalogue)
        _check_same(results, prepared)
        _check_data(results, prepared)
        _write_cells(folder, found, without)
        for cell in found.cells:
            (folder / ERRORS / f"{cell.id}.json").unlink(missing_ok=True)  # of an earlier try
        observers = Observers(folder, catalogue, progress.note)
        observers.sweep_started(prepared[found.cells[0].id].recipe)
        try:
            run_cells(folder, found, prepared, results, chosen, progress)
        finally:
            observers.sweep_finished([cell.id for cell in found.cells if not results.is_finished(cell)])
    return folder


def data_notes(prepared: Iterable[Prepared]) -> list[str]:
    """The notes on the data of all cells, each once."""
    return list(dict.fromkeys(note for entry in prepared for note in entry.table.all_notes))


def open_sweep_folder(folder: Path, resume: bool) -> None:
    """Make the folder of a sweep or a search. Raises RunError if it cannot be one."""
    if (folder / SWEEP).exists() and not resume:
        raise RunError(f"{folder} holds a sweep already; add --resume to go on with it, or choose another --folder")
    if not (folder / SWEEP).exists() and folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty and holds no sweep; choose another --folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the sweep folder {folder} cannot be written: {error}") from error


def _write_cells(folder: Path, found: SweepFile, without: Iterable[str]) -> None:
    """The sweep file and its cells, once it is known that the folder can go on with them."""
    facts = {
        "base": found.base,
        "without": list(without),
        "cells": {
            cell.id: {"labels": cell.labels, "seed": cell.seed, "fold": cell.fold, "overrides": list(cell.overrides)}
            for cell in found.cells
        },
    }
    try:
        for name in (DONE, LOGS, ERRORS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        run_folder.write_json(folder / CELLS, facts)
        write_text(folder / SWEEP, found.text)
    except OSError as error:
        raise RunError(f"the sweep folder {folder} cannot be written: {error}") from error


def _check_same(results: Results, prepared: dict[str, Prepared]) -> None:
    """Raise RunError if a finished cell has another recipe than the sweep file has now, with the keys that differ."""
    changed: dict[str, dict[str, tuple[object, object]]] = {}
    for cell, text in results.finished_recipes().items():
        renamed = (
            f"cell {cell} of {results.folder} was run by an earlier version, with names that are others now; choose "
            f"another --folder, or delete {results.folder} to run its cells again"
        )
        weights = results.initial_weights(cell)
        differs = changed_keys(results.folder, json.loads(text), prepared[cell], weights, renamed)
        if differs:
            changed[cell] = differs
    if changed:
        cell, differs = next(iter(changed.items()))
        raise RunError(
            f"{len(changed)} finished cells of {results.folder} were run with other settings than the sweep file has now "
            f"({listing(changed, 3)}; {cell}: {show_difference(differs)}): choose another --folder, or delete "
            f"{results.folder} to run them again"
        )


def _check_data(results: Results, prepared: dict[str, Prepared]) -> None:
    """Raise RunError if the remaining cells would see other data than those before them."""
    waiting = [cell for cell in prepared if cell not in results.rows]
    records = {sweep_record(results.folder, prepared[cell].recipe.data): cell for cell in waiting}
    for file, cell in records.items():
        then = read_record(file)
        if then is not None:
            refuse_other_data(then, record_of(prepared[cell].table), str(results.folder))


def plan_frame(found: SweepFile, prepared: dict[str, Prepared]) -> pd.DataFrame:
    """Every cell with the class counts after its last stage, for `imbalkit sweep --plan`."""
    rows = []
    for cell in found.cells:
        entry = prepared[cell.id]
        counts = entry.class_counts[-1].counts
        sizes = {
            name: f"{low:,}" if low == high else f"{low:,} to {high:,}"
            for name, low, high in zip(entry.classes, counts.low, counts.high, strict=True)
        }
        rows.append({**cell.labels, "fold": cell.fold, "seed": cell.seed, **sizes})
    return pd.DataFrame(rows)
