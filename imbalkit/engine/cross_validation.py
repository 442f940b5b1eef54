"""Cross-validation: every fold is a run of its own, started by the launcher, and their results are put together."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from imbalkit.base.files import write_json, write_parquet
from imbalkit.engine.events import RunEvents
from imbalkit.engine.options import RunOptions
from imbalkit.engine.pool import open_pool, piece_of_work, run_all
from imbalkit.errors import RunError
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData


def run_folds(prepared: Prepared, folder: Path, options: RunOptions) -> None:
    """Run every fold in `folder`/fold-0, fold-1, ... and write their mean, spread and pooled predictions.

    Raises RunError if a fold fails; with --resume those that are finished are kept.
    """
    events = RunEvents(folder, prepared.catalogue, options.progress.note, tensorboard=False, first_process=True)
    with events.during(prepared.recipe):
        events.run_finished(_run_folds(prepared, folder, options))


def _run_folds(prepared: Prepared, folder: Path, options: RunOptions) -> dict[str, Any]:
    folds = [folder / f"fold-{number}" for number in range(prepared.recipe.split.folds or 0)]
    works = []
    for number, path in enumerate(folds):
        words = [
            *("imbalkit", "run", str(folder / run_folder.RECIPE)),
            *("--set", f"split.fold={number}", "--folder", str(path), "--resume", "--wait"),
            *(word for name in options.without for word in ("--without", name)),
            *(("--rounds", str(options.rounds)) if options.rounds else ()),
        ]
        if not run_folder.is_finished(path):
            works.append(piece_of_work(path.name, words, prepared.recipe.training))

    def is_done(fold: str) -> bool:
        return run_folder.is_finished(folder / fold)

    failed: dict[str, str] = {}
    with open_pool(prepared.recipe.launcher, folder, is_done, len(works), options.progress.note) as pool:
        for ended in run_all(pool, works):
            if not is_done(ended.work.name):
                failed[ended.work.name] = ended.why
                options.progress.note(f"failed: {ended.work.name}: {ended.why}")
    if failed:
        reasons = "; ".join(dict.fromkeys(failed.values()))
        raise RunError(f"{', '.join(failed)} of {folder} failed ({reasons}); fix the cause and add --resume")
    return write_summary(folder, folds)


def write_summary(folder: Path, folds: Sequence[Path]) -> dict[str, Any]:
    """Write pooled predictions and metrics.json of finished folds: mean, spread and every value; returns the latter."""
    runs = [RunData(path) for path in folds]
    pooled = pd.concat([run.predictions.assign(fold=number) for number, run in enumerate(runs)])
    write_parquet(folder / run_folder.PREDICTIONS, pooled[pooled["split"] == "test"])
    summary = {"folds": len(folds), "test": summarise([run.metrics["test"] for run in runs])}
    run_folder.note_finished(folder)
    write_json(folder / run_folder.METRICS, summary)
    return summary


def summarise(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean, standard deviation (n - 1) and every value of each metric, nested as the metrics are; lists are left out.

    A metric that is not defined in some folds is summarised over the others; its values keep None there.
    """
    summary: dict[str, Any] = {}
    for name in dict.fromkeys(name for entry in metrics for name in entry):
        values = [entry.get(name) for entry in metrics]
        nested = [value for value in values if isinstance(value, Mapping)]
        if len(nested) == len(values):
            summary[name] = summarise(nested)
        elif all(isinstance(value, int | float | None) for value in values):
            known = [value for value in values if value is not None]
            summary[name] = {
                "mean": statistics.fmean(known) if known else None,
                "sd": statistics.stdev(known) if len(known) > 1 else None,
                "values": values,
            }
    return summary
