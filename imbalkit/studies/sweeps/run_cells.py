"""The cells of a sweep as pieces of work at its launcher."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from imbalkit.base.files import write_json
from imbalkit.base.progress import Progress
from imbalkit.engine.pool import Ended, open_pool, piece_of_work, run_all
from imbalkit.errors import RunError, listing
from imbalkit.kinds import Launcher, Work
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.runs import folder as run_folder
from imbalkit.studies.sweeps.cell import DONE, ERRORS, LOGS, ROUNDS
from imbalkit.studies.sweeps.file import SweepFile
from imbalkit.studies.sweeps.results import Results


def run_cells(
    folder: Path,
    found: SweepFile,
    prepared: Mapping[str, Prepared],
    results: Results,
    launcher: Launcher,
    progress: Progress,
) -> None:
    """Run what is not finished, and write tables. Raises RunError if cells failed, when all others are finished."""
    waiting = [cell for cell in found.cells if not results.is_finished(cell)]
    done = len(found.cells) - len(waiting)
    progress.note(f"sweep folder {folder}: {done} of {len(found.cells)} cells are finished")
    if results.others:
        progress.note(
            f"note: {len(results.others)} finished cells are not in the sweep file any more ({listing(results.others, 3)}): "
            "their results stay in sweep.parquet and predictions/, and no table counts them"
        )
    works = [cell_work(folder, cell.id, prepared[cell.id].recipe.training) for cell in waiting]

    def is_done(cell: str) -> bool:
        return cell in results.rows or run_folder.is_finished(folder / DONE / cell)

    try:
        with open_pool(launcher, folder, is_done, len(works), progress.note) as pool:
            for ended in run_all(pool, works):
                if (error := _error(ended, folder, results)) is not None:
                    progress.note(f"failed: {ended.work.name}: {error.splitlines()[0]}")
                    continue
                done += 1
                what = f"{ended.work.name}  {results.describe(ended.work.name)}"
                progress.note(f"{done} of {len(found.cells)} finished: {what}")
    finally:
        results.collect()
        not_made = results.write_tables()
    unfinished = sum(not results.is_finished(cell) for cell in found.cells)
    if not unfinished:
        shutil.rmtree(folder / ROUNDS, ignore_errors=True)
        if not_made:
            raise RunError("\n".join(not_made))
        return
    failed = results.errors()
    lines = [f"  {cell}: {' '.join(error.split())[:200]}" for cell, error in list(failed.items())[:5]]
    more = ["  ..."] if len(failed) > 5 else []
    raise RunError(
        "\n".join(
            [
                f"{unfinished} of {len(found.cells)} cells of {folder} are not finished; what they printed is in "
                f"{folder / LOGS}. Fix the cause and add --resume:",
                *lines,
                *more,
                *not_made,
            ]
        )
    )


def cell_work(folder: Path, cell: str, training: TrainingSettings) -> Work:
    """The piece of work that runs a cell of a sweep folder, or goes on with it."""
    words = ["imbalkit.studies.sweeps.cell", str(folder), cell]
    return piece_of_work(cell, words, training, folder / LOGS / f"{cell}.txt")


def _error(ended: Ended, folder: Path, results: Results) -> str | None:
    """Take in a cell's results; None if it has some, else why not, which is kept."""
    cell = ended.work.name
    results.collect()
    if cell in results.rows:
        return None
    error = results.errors().get(cell)
    if error is None:
        error = ended.why
        write_json(folder / ERRORS / f"{cell}.json", {"error": error})
    return error
