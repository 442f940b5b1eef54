"""The runs to compare: read, and refused unless they were tested on the same rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from imbalkit.errors import RunError, listing
from imbalkit.evaluation.intervals import repeated_groups
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import Predictions
from imbalkit.runs.results import RunData

At = Literal["chosen", "half"]


def load_runs(
    folders: Sequence[str | os.PathLike[str]], reference: str | os.PathLike[str] | None
) -> dict[str, RunData]:
    """The runs by name, the reference first."""
    paths = [Path(folder) for folder in ([] if reference is None else [reference]) + list(folders)]
    found: dict[Path, Path] = {}
    for path in paths:
        found.setdefault(path.resolve(), path)
    distinct = list(found.values())
    if len(distinct) < 2:
        raise RunError(f"expected two runs to compare, got {listing(map(str, distinct)) or 'none'}")
    names = _names(distinct)
    return {name: RunData.load(path) for name, path in zip(names, distinct, strict=True)}


def _names(paths: Sequence[Path]) -> list[str]:
    """Names of runs: those of their folders, with as much of the path before them as makes them differ."""
    parts = [path.resolve().parts for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def check_same_rows(runs: Mapping[str, RunData]) -> None:
    """Raise RunError, naming the first difference, unless all runs have the same classes and the same test rows.

    Rows are the same that have the same place in the data, the same label and, where there are files, the same file name.
    """
    (name, first), *others = runs.items()
    for run_name, run in runs.items():
        if not run.is_tested:
            raise RunError(
                f"{run_name} left its test rows untouched (evaluation.test: false): run it without that first"
            )
        if not len(run.split_rows()):
            reason = "its split leaves none"
            if "ensemble" in run.metrics:
                reason = "every row was in the training or validation of a member: compare the runs that it was made of"
            raise RunError(f"{run_name} has no test rows ({reason}): there is nothing to compare")
    for other, run in others:
        if run.classes != first.classes:
            raise RunError(
                f"{name} and {other} have different classes: {listing(first.classes)}; {listing(run.classes)}"
            )
        if run.positive != first.positive:
            positive = [found.facts.get("positive") for found in (first, run)]
            raise RunError(f"{name} and {other} have different positive classes: {positive[0]}, {positive[1]}")
        why = _first_difference(name, _rows(first), other, _rows(run))
        if why:
            raise RunError(
                f"{name} and {other} were not tested on the same rows, and their metrics do not compare: {why}"
            )


def _rows(run: RunData) -> pd.DataFrame:
    """source, label and, where there are files, name of each test row, in the order of the data."""
    frame = run.split_rows().frame
    rows = frame[["source", "label"]].copy()
    if "path" in frame and frame["path"].notna().all():
        rows["file"] = frame["path"].map(os.path.basename)  # the folder may have moved
    return rows.sort_values("source", ignore_index=True)


def _first_difference(name: str, rows: pd.DataFrame, other: str, found: pd.DataFrame) -> str | None:
    both = [str(column) for column in rows if column in found]
    same = len(rows) == len(found) and (rows[both].to_numpy() == found[both].to_numpy()).all()
    if same:
        return None
    shared = min(len(rows), len(found))
    differs = (rows[both][:shared].to_numpy() != found[both][:shared].to_numpy()).any(axis=1)
    place = int(np.argmax(differs)) if differs.any() else shared

    def what(frame: pd.DataFrame) -> str:
        if place >= len(frame):
            return "none"
        row = frame.iloc[place]
        return f"sample {row['source']} ({', '.join(str(row[column]) for column in both[::-1] if column != 'source')})"

    counts = f"{len(rows):,} and {len(found):,} rows; " if len(rows) != len(found) else ""
    return f"{counts}row {place + 1:,} of test is {what(rows)} in {name} and {what(found)} in {other}"


def groups_of(runs: Mapping[str, RunData]) -> tuple[np.ndarray | None, list[str]]:
    """Groups of the test rows in the order of the data, None where none has two rows; from the first run that knows them."""
    known = {name: groups for name, run in runs.items() if (groups := run.split_rows().groups) is not None}
    if not known:
        return None, []
    name, groups = next(iter(known.items()))
    order = np.argsort(runs[name].split_rows().frame["source"].to_numpy(), kind="stable")
    notes = [] if len(known) == len(runs) else [f"Groups are those of {name}; not every run knows them."]
    return repeated_groups(groups[order]), notes


def predictions_of(run: RunData, at: At) -> Predictions:
    """The test rows in the order of the data."""
    test = run.split_rows()
    order = np.argsort(test.frame["source"].to_numpy(), kind="stable")
    # At another prevalence, log loss would say nothing of these rows.
    probabilities, decisions = test.at_data_prior, test.decisions
    if at == "half":
        probabilities = softmax(test.frame[[f"logit_{name}" for name in run.classes]].to_numpy())
        decisions = probabilities.argmax(axis=1)
        if run.positive is not None and len(run.classes) == 2:
            decisions = np.where(probabilities[:, run.positive] >= 0.5, run.positive, 1 - run.positive)
    return Predictions(
        labels=test.labels[order],
        probabilities=probabilities[order],
        decisions=decisions[order],
        classes=run.classes,
        positive=run.positive,
        train_counts=tuple(run.metrics["class_counts"][0]["counts"]),
    )
