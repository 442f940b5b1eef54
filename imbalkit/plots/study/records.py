"""Finished runs, from run folders and sweep folders, as the figures need them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from imbalkit.base.text import slug
from imbalkit.errors import RunError, listing
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import RunData, read_table

CELLS, CELL_FACTS, RESULTS, POOLED = "cells", "cells.json", "sweep.parquet", "predictions"  # of a sweep folder
REFITS = "refits"  # of a search folder: the sweep of its winner, whose runs looked at their test rows


At = Literal["chosen", "half"]


@dataclass(frozen=True)
class Outcome:
    """Test samples of each class, and how many of them were predicted as another class."""

    support: tuple[int, ...]
    wrong: tuple[int, ...]
    threshold: float | None  # None with more than two classes


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a finished run.

    Attributes:
        name: its folder's name
        folder: the run folder; None if a sweep kept the results alone
        recipe: the resolved recipe, as plain data
        classes: class names by code
        positive: code of the positive class, None without one
        counts: rows of each class in the final plan
        chosen, half: outcomes on test at the chosen threshold and at one half
        labels: axis -> name of its value, of a sweep's cell
        tested: hash of the test samples and their labels; None where the predictions were not kept
    """

    name: str
    folder: Path | None
    recipe: Mapping[str, Any]
    classes: tuple[str, ...]
    positive: int | None
    counts: tuple[int, ...]
    chosen: Outcome
    half: Outcome
    labels: Mapping[str, str]
    tested: str | None

    def outcome(self, at: At) -> Outcome:
        """The outcome at the chosen threshold, or at one half."""
        return self.chosen if at == "chosen" else self.half

    @property
    def fold(self) -> int | None:
        """The test fold, None without folds."""
        return self.recipe["split"].get("fold")

    @property
    def folds(self) -> int | None:
        """How many folds the recipe has, None without folds."""
        return self.recipe["split"].get("folds")


@dataclass(frozen=True)
class Found:
    """What was found below some folders."""

    runs: tuple[RunRecord, ...]
    unfinished: tuple[str, ...]  # names of runs that have no metrics.json


def find_runs(folders: Iterable[str | Path]) -> Found:
    """Every finished run of these run folders, folders with folds, sweep folders, and folders of run folders.

    Runs that are not finished are left out and counted; a run that is named twice counts once.

    Raises:
        RunError: a folder that is not there, is no run, or holds no finished one; a file that cannot be read
    """
    runs: dict[str, RunRecord] = {}
    unfinished: dict[str, None] = {}
    for folder in map(Path, folders):
        found = _find(folder)
        if not found.runs:
            begun = f"; not finished: {listing(found.unfinished, 3)}" if found.unfinished else ""
            raise RunError(
                f"{folder} holds no finished run{begun}. Go on with `imbalkit run ... --resume` or `imbalkit sweep ... "
                "--resume`"
            )
        for run in found.runs:
            runs.setdefault(str((run.folder or folder / CELLS / run.name).resolve()), run)
        unfinished |= dict.fromkeys(found.unfinished)
    return Found(tuple(runs.values()), tuple(unfinished))


def _find(folder: Path) -> Found:
    if not folder.exists():
        raise RunError(f"there is no folder {folder}")
    if not folder.is_dir():
        raise RunError(f"expected a run folder or a sweep folder, {folder} is a file")
    if (folder / REFITS / RESULTS).is_file():
        return _sweep(folder / REFITS)
    if (folder / RESULTS).is_file() or (folder / CELLS).is_dir():
        return _sweep(folder)
    if not (folder / run_folder.FACTS).exists():
        below = [path for path in sorted(folder.iterdir()) if (path / run_folder.FACTS).exists()]
        if not below:
            raise RunError(
                f"{folder} is no run: expected a run folder (with {run_folder.METRICS}), a sweep folder (with {RESULTS} or "
                f"{CELLS}/), or a folder of these"
            )
        return _join(_find(path) for path in below)
    folds = sorted(folder.glob("fold-*"), key=lambda path: (len(path.name), path.name))
    if folds:
        return _join(_find(path) for path in folds if path.is_dir())
    if not run_folder.is_finished(folder):
        return Found((), (str(folder),))
    return Found((_from_folder(folder),), ())


def _join(parts: Iterable[Found]) -> Found:
    parts = list(parts)
    return Found(
        tuple(run for part in parts for run in part.runs), tuple(name for part in parts for name in part.unfinished)
    )


# --- run folders ------------------------------------------------------------------------------------------------------


def _from_folder(folder: Path) -> RunRecord:
    run = RunData(folder)
    if not run.is_tested:
        raise RunError(f"{folder} left its test rows untouched (evaluation.test: false): there are no rates to draw")
    metrics, recipe, classes = run.metrics, run.recipe, run.classes
    try:
        threshold = metrics["decision"]["threshold"]
        half = metrics.get("test_at_one_half")
        return RunRecord(
            name=folder.name,
            folder=folder,
            recipe=recipe,
            classes=classes,
            positive=run.positive,
            counts=tuple(metrics["class_counts"][-1]["counts"]),
            chosen=_outcome(metrics["test"], threshold),
            half=_outcome(half or metrics["test"], 0.5 if half else threshold),
            labels={},
            tested=_tested(run),
        )
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise RunError(f"{folder} is no complete run: {run_folder.METRICS} lacks {error}") from None


def _outcome(metrics: Mapping[str, Any], threshold: float | None) -> Outcome:
    confusion = metrics["confusion_matrix"]  # labels down
    support = tuple(int(sum(row)) for row in confusion)
    wrong = tuple(int(sum(row) - row[label]) for label, row in enumerate(confusion))
    return Outcome(support, wrong, threshold)


def _tested(run: RunData) -> str | None:
    """A hash of the test samples: table index and label of each; None where the predictions were not kept."""
    if not (run.folder / run_folder.PREDICTIONS).exists():
        return None
    frame = run.read_predictions(["source", "split", "label"])
    return _hash_of(frame[frame["split"] == "test"])


def _hash_of(frame: pd.DataFrame) -> str:
    frame = frame.sort_values("source")
    digest = hashlib.sha256(frame["source"].to_numpy("int64").tobytes())
    digest.update("\n".join(frame["label"].astype(str)).encode())
    return digest.hexdigest()[:16]


# --- sweep folders ----------------------------------------------------------------------------------------------------


def _sweep(folder: Path) -> Found:
    """Cells by their run folders where these are kept, else by their rows of sweep.parquet."""
    labels = {name: cell["labels"] for name, cell in run_folder.read_json(folder / CELL_FACTS).get("cells", {}).items()}
    rows, waiting = _rows(folder)
    labels |= {name: row["labels"] for name, row in rows.items()}
    cells = {path.name: path for path in sorted((folder / CELLS).glob("*")) if path.is_dir()}
    names = dict.fromkeys([*labels, *rows, *cells, *waiting])  # in the order of the sweep file where it is known
    runs: list[RunRecord] = []
    unfinished: list[str] = []
    for name in names:
        if name in cells and run_folder.is_finished(cells[name]):
            runs += [replace(run, labels=labels.get(name, {})) for run in _find(cells[name]).runs]
        elif name in rows:
            runs.append(_from_row(folder, name, rows[name]))
        else:
            unfinished.append(name)
    return Found(tuple(runs), tuple(unfinished))


def _rows(folder: Path) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Finished cells of sweep.parquet by name, each with its axes' labels; and names of the others."""
    path = folder / RESULTS
    if not path.exists():
        return {}, []
    try:
        frame = pd.read_parquet(path)
        columns = list(map(str, frame))
        axes = columns[columns.index("cell") + 1 : columns.index("fold")]
        records: dict[str, dict[str, Any]] = {
            str(row["cell"]): {str(key): value for key, value in row.items()} for row in frame.to_dict("records")
        }
        finished = {name: row for name, row in records.items() if row["state"] == "finished"}
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{path} is no table of a sweep: {error}") from None
    for row in finished.values():
        row["labels"] = {axis: row[axis] for axis in axes}
    return finished, [name for name in records if name not in finished]


def _from_row(folder: Path, name: str, row: Mapping[str, Any]) -> RunRecord:
    try:
        recipe = json.loads(row["recipe"])
        classes = tuple(key.removeprefix("trained_") for key in row if key.startswith("trained_"))
        support = tuple(int(row[f"support_{cls}"]) for cls in classes)

        def outcome(prefix: str, threshold: float | None) -> Outcome:
            recalls = [row[f"{prefix}recall_{cls}"] for cls in classes]
            wrong = tuple(round(total * (1 - recall)) for total, recall in zip(support, recalls, strict=True))
            return Outcome(support, wrong, threshold)

        positive = classes.index(recipe["positive"]) if recipe["positive"] else None
        if positive is None and len(classes) == 2:
            positive = support.index(min(support))
        return RunRecord(
            name=name,
            folder=None,
            recipe=recipe,
            classes=classes,
            positive=positive,
            counts=tuple(int(row[f"trained_{cls}"]) for cls in classes),
            chosen=outcome("", row["threshold"]),
            half=outcome("one_half.", 0.5 if len(classes) == 2 else None),
            labels=row["labels"],
            tested=_pooled_test(folder, row),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(
            f"{folder / RESULTS}: the row of {name} lacks {error}; figures need support and recall of each class "
            "(leave `metrics` out of the recipe, or list recall there)"
        ) from None


def _pooled_test(folder: Path, row: Mapping[str, Any]) -> str | None:
    group = "--".join(slug(label) for label in row["labels"].values()) or "base"
    path = folder / POOLED / f"{group}.parquet"
    if not path.exists():
        return None
    frame = read_table(path, ["seed", "fold", "source", "label"])
    fold = -1 if pd.isna(row["fold"]) else int(row["fold"])
    own = frame[(frame["seed"] == row["seed"]) & (frame["fold"] == fold)]
    return _hash_of(own) if len(own) else None
