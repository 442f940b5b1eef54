"""Probabilities of every row by a network that was not trained on it: the recipe's cross-validation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.base.files import read_json
from imbalkit.base.progress import Progress
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.errors import RunError
from imbalkit.recipe.prepare import prepare
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs import folder as run_folder
from imbalkit.runs.data_prior import restored_to_data
from imbalkit.runs.data_record import record_of, refuse_changed_data
from imbalkit.runs.members import Member
from imbalkit.runs.results import RunData

FOLDS = 5

Recipe = str | Path | Mapping[str, Any]


def in_folds(recipe: Recipe, overrides: Iterable[str], without: tuple[str, ...]) -> tuple[Prepared, list[str]]:
    """The recipe as a cross-validation, and the overrides that make it one: its own folds, or FOLDS where it has none."""
    given = list(overrides)
    split = prepare(recipe, given, without).recipe.split
    more = ["export=[]", "evaluation.test=true"]
    if split.folds is None:
        more += [f"split.folds={FOLDS}", *(["split.column=null"] if split.column is not None else [])]
    if split.fold is not None:
        more.append("split.fold=null")
    return prepare(recipe, [*given, *more], without, runtime=True), [*given, *more]


def cross_validated(
    recipe: Recipe, overrides: Sequence[str], prepared: Prepared, folder: Path, runs: Path, options: RunOptions
) -> Path:
    """The finished cross-validation of a recipe: one below `runs`, else that in `folder`, run now or gone on with."""
    if not (folder / run_folder.FACTS).exists():
        for file in sorted(runs.glob(f"*/{run_folder.FACTS}")):
            if read_json(file).get("recipe_hash") == prepared.recipe.hash and run_folder.is_finished(file.parent):
                options.progress.note(f"the cross-validation of {file.parent} is used again")
                return file.parent
    return run(recipe, overrides, options)


def probabilities(folder: Path, prepared: Prepared) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """What networks that were not trained on a row say of it, at the class prior of the data.

    Returns:
        rows that some fold has in its test, int64 [n] sorted; their probabilities, float64 [n, C]; and notes on a prior that
        was restored by a fit, or could not be

    Raises:
        DataError: data that have changed since
    """
    refuse_changed_data(folder / "fold-0", record_of(prepared.table))
    rows, found, notes = [], [], []
    for path in RunData(folder).members:
        member = Member.open(path)
        test = member.run.split_rows()
        rows.append(test.frame["source"].to_numpy(np.int64))
        try:
            decision, _ = restored_to_data(member.run, member.recipe, member.decision)
        except RunError as error:
            notes.append(f"the class prior of training could not be undone in {path.name}: {error}")
            found.append(test.at_data_prior)
            continue
        notes += [f"{path.name}: {note}" for note in decision.notes]
        found.append(decision.at_data_prior(test.frame[[f"logit_{name}" for name in member.run.classes]].to_numpy()))
    samples = np.concatenate(rows)
    order = np.argsort(samples, kind="stable")
    return samples[order], np.concatenate(found)[order], notes


def options_for(folder: Path, without: tuple[str, ...], progress: Progress) -> RunOptions:
    """A run in `folder`, gone on with where it was begun."""
    return RunOptions(folder=folder, resume=True, without=without, progress=progress)
