"""What a sweep leaves: sweep.parquet (a row a cell), pooled test predictions, and tables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.files import write_csv, write_parquet
from imbalkit.base.text import fixed
from imbalkit.catalogue import Catalogue
from imbalkit.errors import RunError
from imbalkit.plan import balance_ratio
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData, read_table
from imbalkit.studies.sweeps.cell import DONE, ERRORS
from imbalkit.studies.sweeps.file import Cell, SweepFile
from imbalkit.studies.sweeps.tables import make_table, to_markdown
from imbalkit_lite.files import write_text

RESULTS, PREDICTIONS, TABLES = "sweep.parquet", "predictions", "tables"
NOT_IN_FILE = "finished, not in the sweep file"  # state of a cell that an earlier version of the file had
OF_RESULTS = ("seconds", "balance_ratio", "threshold")  # columns beside metrics and labels
_BULKY = (run_folder.WEIGHTS, run_folder.PLAN, run_folder.PREDICTIONS)


def finished_rows(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of sweep.parquet of finished cells, by the cell's id; none where there is no such file. Raises RunError.

    Those of cells that the sweep file has no longer are among them.
    """
    if not (folder / RESULTS).exists():
        return {}
    frame = _read(folder / RESULTS)
    rows = frame[frame["state"].isin(["finished", NOT_IN_FILE])].to_dict("records")
    return {row["cell"]: {str(name): value for name, value in row.items()} | {"state": "finished"} for row in rows}


class Results:
    """The finished cells of a sweep folder; sweep.parquet alone is enough to know them again."""

    def __init__(self, folder: Path, found: SweepFile, catalogue: Catalogue):
        self.folder = folder
        self.found = found
        self.catalogue = catalogue
        self.rows: dict[str, dict[str, Any]] = {}
        known = {cell.id for cell in found.cells}
        finished = finished_rows(folder)
        self.rows = {cell: row for cell, row in finished.items() if cell in known}
        self.others = {cell: row for cell, row in finished.items() if cell not in known}
        self.collect()

    def is_finished(self, cell: Cell) -> bool:
        """Whether the cell's results are here."""
        return cell.id in self.rows

    def errors(self) -> dict[str, str]:
        """Why cells failed, by cell."""
        files = {cell.id: self.folder / ERRORS / f"{cell.id}.json" for cell in self.found.cells}
        return {cell: run_folder.read_json(file).get("error", "") for cell, file in files.items() if file.exists()}

    def initial_weights(self, cell: str) -> dict[str, dict[str, str]]:
        """What a finished cell's networks started from, as run.json has it; {} where that was not kept."""
        kept = self.rows[cell].get("initial_weights")
        return json.loads(kept) if isinstance(kept, str) else {}

    def finished_recipes(self) -> dict[str, str]:
        """The resolved recipe of each finished cell, as JSON."""
        return {cell: row["recipe"] for cell, row in self.rows.items()}

    def collect(self) -> list[str]:
        """Take in what cells have finished since; returns their ids. Writes sweep.parquet if anything is new."""
        new = [
            cell
            for cell in self.found.cells
            if cell.id not in self.rows and run_folder.is_finished(self.folder / DONE / cell.id)
        ]
        for cell in new:
            self._add_predictions(cell)
            self.rows[cell.id] = self._row(cell)
        if new or not (self.folder / RESULTS).exists():
            self.write()
        for cell in new:
            self._tidy(cell)
        return [cell.id for cell in new]

    def write(self) -> None:
        """sweep.parquet: every cell of the sweep file, finished, failed or waiting; then finished ones that it has no longer."""
        errors = self.errors()
        rows = []
        for cell in self.found.cells:
            state = "failed" if cell.id in errors else "waiting"
            row = self.rows.get(cell.id) or {**_labels(cell), "state": state, "error": errors.get(cell.id)}
            rows.append(row)
        rows += [row | {"state": NOT_IN_FILE} for row in self.others.values()]
        write_parquet(self.folder / RESULTS, pd.DataFrame(rows))

    def write_tables(self) -> list[str]:
        """tables/NAME.csv and .md for each table of the sweep file, from the finished cells; why some could not be made."""
        self.write()
        finished, failed = pd.DataFrame(list(self.rows.values())), []
        if finished.empty:
            return []
        axes = list(self.found.settings.axes)
        for name, settings in self.found.settings.tables.items():
            try:
                table = make_table(finished, axes, settings)
            except RunError as error:
                failed.append(f"tables.{name}: {error}")
                continue
            write_csv(self.folder / TABLES / f"{name}.csv", table)
            write_text(self.folder / TABLES / f"{name}.md", to_markdown(table, axes))
        return failed

    def describe(self, cell: str) -> str:
        """A finished cell's main metrics on one line."""
        row = self.rows[cell]
        names = [f"{prefix}{name}" for prefix in ("", "validation.") for name in ("roc_auc", "balanced_accuracy")]
        shown = [(name, row.get(name)) for name in names if row.get("n") or name.startswith("validation.")][:2]
        return "  ".join(
            f"{name} {fixed(value, 3)}" for name, value in shown if value is not None and not np.isnan(value)
        )

    def _row(self, cell: Cell) -> dict[str, Any]:
        folder = self.folder / DONE / cell.id
        run = RunData(folder)
        metrics, recipe = run.metrics, run.recipe
        trained = metrics["class_counts"][-1]["counts"]
        started, labels = run_folder.read_mapping(folder / run_folder.FACTS), _labels(cell)
        facts = {
            "state": "finished",
            "error": None,
            "seconds": round(sum(entry.get("seconds", 0.0) for entry in run.log), 1),  # in training epochs
            "backbone": recipe["backbone"]["name"],
            "loss": recipe["loss"]["name"],
            **{f"trained_{name}": count for name, count in zip(run.classes, trained, strict=True)},
            "balance_ratio": balance_ratio(trained, run.positive),
            "threshold": run.threshold,
            **flat_metrics(metrics["test"]),
            **flat_metrics(metrics.get("test_at_one_half") or metrics["test"], "one_half."),
            **flat_metrics(metrics.get("validation") or {}, "validation."),
            "initial_weights": json.dumps(started.get("initial_weights") or {}, ensure_ascii=False),
            "recipe": json.dumps(recipe, ensure_ascii=False),
        }
        return labels | {
            name: fact for name, fact in facts.items() if name not in labels
        }  # an axis may be called "loss"

    def _add_predictions(self, cell: Cell) -> None:
        """Add a cell's test predictions to those of the cells that differ by seed and fold only."""
        frame = RunData(self.folder / DONE / cell.id).predictions
        logits = [name for name in map(str, frame) if name.startswith("logit_")]
        rows = frame.loc[frame["split"] == "test", ["source", "label", "decision", *logits]].copy()
        if rows.empty:  # evaluation.test: false
            return
        rows.insert(0, "fold", -1 if cell.fold is None else cell.fold)
        rows.insert(0, "seed", cell.seed)
        path = self.folder / PREDICTIONS / f"{cell.group}.parquet"
        if path.exists():
            others = _read(path)
            others = others[(others["seed"] != rows["seed"].iloc[0]) | (others["fold"] != rows["fold"].iloc[0])]
            rows = pd.concat([others, rows])
        rows = rows.astype({"label": "category", "decision": "category", **dict.fromkeys(logits, "float32")})
        types = {"seed": "int64", "fold": "int16", "source": "uint32"}
        write_parquet(path, rows.astype(types).sort_values(["seed", "fold", "source"], ignore_index=True))

    def _tidy(self, cell: Cell) -> None:
        if self.found.settings.keep == "results":
            shutil.rmtree(self.folder / DONE / cell.id, ignore_errors=True)


def _read(path: Path) -> pd.DataFrame:
    """A table of results. Raises RunError for one that is damaged."""
    try:
        return read_table(path)
    except RunError as error:
        raise RunError(
            f"{error}: put it back from a copy; with `keep: everything` it may be deleted, and is made again from the cells"
        ) from error


def _labels(cell: Cell) -> dict[str, Any]:
    return {"cell": cell.id, **cell.labels, "fold": cell.fold, "seed": cell.seed}


def flat_metrics(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float | None]:
    """Metrics as columns: `recall` of two classes as recall_benign and recall_melanoma. Lists are left out."""
    flat: dict[str, float | None] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            flat |= {f"{prefix}{name}_{key}": item for key, item in value.items()}
        elif isinstance(value, int | float | None):
            flat[f"{prefix}{name}"] = value
    return flat
