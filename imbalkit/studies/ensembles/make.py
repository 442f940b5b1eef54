"""Making one run of several: rows, decision, evaluation, copies of the members, report; the folder is whole or not there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.files import write_json, write_parquet
from imbalkit.base.folders import whole_folder
from imbalkit.base.progress import Progress
from imbalkit.base.randomness import derive_seed
from imbalkit.data.column_inputs import encode_frame
from imbalkit.engine.outputs import finish_run, predictions_table
from imbalkit.engine.run_metrics import HeldOut, RunMetrics, evaluate_run
from imbalkit.errors import DataError, RunError
from imbalkit.plan import Plan
from imbalkit.plan.audit import audit
from imbalkit.recipe.recipe import save_recipe
from imbalkit.recipe.traverse import metrics_of
from imbalkit.report import write_report
from imbalkit.runs import folder as run_folder
from imbalkit.runs.data_record import RECORD
from imbalkit.runs.members import Members, open_members
from imbalkit.runs.network import recipe_of_run
from imbalkit.runs.pool import Pool, pool
from imbalkit.runs.restore import restore
from imbalkit.studies.ensembles.differences import ensemble_facts
from imbalkit_lite.files import writing

if TYPE_CHECKING:
    import pandas as pd

MEMBERS = "members"
# What a member's copy has of its run: all that predicts and that its report is written from, no report, files or checkpoints.
COPIED = (
    run_folder.RECIPE,
    run_folder.FACTS,
    run_folder.WEIGHTS,
    run_folder.PREDICTIONS,
    run_folder.PLAN,
    run_folder.LOG,
    RECORD,
    run_folder.COLUMNS,
    run_folder.METRICS,
)


def make_ensemble(
    runs: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    device: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make one run of finished runs; the members are copied, so that the folder stands alone.

    Its probabilities are the mean of the members' restored ones. Its decision is fitted on rows that no member was trained on,
    or, where there are none as in a cross-validation, on each row by the members that were not (`imbalkit.runs.pool`).

    Args:
        runs: run folders; a cross-validation stands for its folds, an ensemble for its members
        folder: the new run folder, not there yet
        device: where rows are predicted that are not in a member's own data
        progress: shows what goes on

    Returns:
        the folder

    Raises:
        RunError: runs that do not go together, a folder that is not empty; nothing is written then
        WriteError: the folder cannot be written
    """
    folder, progress = Path(folder), progress or Progress()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} is not empty: choose another folder for the ensemble")
    members = open_members(runs)
    whole = pool(members, lambda member, rows: _predict(members, member, rows, device))
    with whole_folder(folder) as beside:
        _write(whole, beside, folder.name, device, progress)
    return folder


def _predict(members: Members, member: int, rows: np.ndarray, device: str | None) -> np.ndarray:
    """A member's logits of rows of the first member's data, read again. Raises DataError where these are gone."""
    data, network = restore(members.first.run.folder, device), restore(members.runs[member].run.folder, device)
    columns = None if network.encoding is None else encode_frame(network.encoding, data.prepared.table.frame)
    return network.logits(data.images(), rows, columns).astype(np.float64)


def _write(whole: Pool, folder: Path, name: str, device: str | None, progress: Progress) -> None:
    members, recipe = whole.members, whole.recipe
    names = [f"{MEMBERS}/{number}" for number in range(len(members))]
    for path, member in zip(names, members.runs, strict=True):
        _copy(member.run.folder, folder / path)
    save_recipe(recipe, folder / run_folder.RECIPE)
    write_json(folder / run_folder.FACTS, _facts(whole, name, names))
    write_parquet(folder / RECORD, whole.record)
    if members.columns:
        write_json(folder / run_folder.COLUMNS, {"columns": [fitted.to_json() for fitted in members.columns]})

    table, held_out = _table(whole), _held_out(whole)
    write_parquet(folder / run_folder.PREDICTIONS, predictions_table(table, members.classes, held_out, whole.decision))
    write_parquet(folder / run_folder.PLAN, audit(_trained_rows(whole), [], table.get("path")))
    metrics = _metrics(whole, table, held_out, names)
    restored = restore(folder, device, metrics)
    prepared, why = None, ""
    try:
        prepared = restored.prepared
    except DataError as error:  # predictions need no data
        why = str(error)
        progress.note(f"note: {why}")
    if recipe.evaluation.test:
        write_report(folder, prepared, metrics, model=restored.model, why=why)
    finish_run(folder, metrics)


def _copy(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    for name in COPIED:
        if (source / name).is_file():
            with writing(target / name, (source / name).stat().st_size):
                shutil.copyfile(source / name, target / name)


def _facts(whole: Pool, name: str, names: list[str]) -> dict[str, Any]:
    """run.json: the first member's, but for what is the ensemble's own."""
    facts = dict(whole.members.first.run.facts)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    plugins = [member.run.facts.get("plugins", {}) for member in whole.members.runs]
    return {
        **facts,
        "name": name,
        "recipe_hash": whole.recipe.hash,
        "started": now,
        "finished": now,
        "command": " ".join(sys.argv),
        "plugins": {key: found[key] for found in reversed(plugins) for key in found},
        "members": names,
    }


def _metrics(whole: Pool, table: pd.DataFrame, held_out: dict[str, HeldOut], names: list[str]) -> dict[str, Any]:
    """metrics.json, with what is said of the members under `ensemble`."""
    members, recipe, decision = whole.members, whole.recipe, whole.decision
    ledger = whole.ledger
    parts = metrics_of(recipe, _catalogue(members))
    run = RunMetrics(
        parts, members.classes, members.first.run.positive, ledger.rows, tuple(recipe.evaluation.prevalences)
    )
    seed = derive_seed(recipe.seed, "intervals")
    bad = {image["index"]: image for image in members.first.run.metrics.get("bad_images", [])}
    return {
        **evaluate_run(run, decision, held_out, recipe.evaluation, table, seed),
        "prior": ledger.to_json(),
        "decision": decision.to_json(),
        "class_counts": [{"stage": "train", "counts": list(ledger.rows)}],
        "bad_images": list(bad.values()),
        "notes": [*whole.notes, *decision.notes],
        "ensemble": ensemble_facts(whole, run, names, recipe.evaluation, seed),
    }


def _catalogue(members: Members) -> Any:
    first = members.first.run
    return recipe_of_run(first.folder, first.facts, first.classes)[1]


def _table(whole: Pool) -> pd.DataFrame:
    """Columns of the data as far as the members' predictions have them, a row a sample: path, group and metadata."""
    record = whole.members.first.record
    table = record[[column for column in ("label", "path", "group") if column in record]].copy()
    for number, member in enumerate(whole.members.runs):
        places = whole.rows.places[number]
        rows = np.flatnonzero(places >= 0)
        frame = member.run.predictions
        for column in frame:
            name = str(column).removeprefix("metadata_")
            if name == column:
                continue
            if name not in table:
                table[name] = frame[column].iloc[:0].reindex(table.index)
            table.loc[rows, name] = frame[column].to_numpy()[places[rows]]
    return table


def _held_out(whole: Pool) -> dict[str, HeldOut]:
    logits, found = whole.rows.log_mean, {}
    for split in ("validation", "test"):
        rows = getattr(whole, split)
        groups = None if whole.groups is None else whole.groups[rows]
        found[split] = HeldOut(rows, whole.labels[rows], groups, logits[rows].astype(np.float32))
    return found


def _trained_rows(whole: Pool) -> Plan:
    """The rows that some member was trained on, as they are."""
    rows = whole.trained_on
    return Plan.from_labels(whole.labels[rows].astype(np.uint16), whole.members.classes, sources=rows)
