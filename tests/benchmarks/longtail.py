"""The comparison of methods on long-tailed data, docs/longtail.md: trains its cells, keeps their figures, writes the tables.

python -m tests.benchmarks longtail run cifar10-100/quick --runs FOLDER     trains what is not in docs/results yet
python -m tests.benchmarks longtail run cifar10-100/quick --runs FOLDER --methods mixup crt --seeds 0 1
python -m tests.benchmarks longtail tables                                  writes the tables of docs/longtail.md

CIFAR10_LT, HAM10000 and WEIGHTS name the folders of the data, as in the recipes. Cells are kept in docs/results/longtail.csv, so
that the study goes on where it was; FOLDER keeps the run folders, and an unfinished run is resumed. A method whose
first epochs are those of another one (a deferred loss, say) starts from that one's checkpoint, where there is one.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks._longtail_figures import figures, kept, kept_checkpoints
from tests.benchmarks._longtail_tables import write_tables

ROOT = Path(__file__).parents[2]
CELLS = ROOT / "docs" / "results" / "longtail.csv"
# In the order in which they are trained. What a method shares with the one before it: (method, share of the epochs).
METHODS = [
    *("ce", "mixup", "ce_deferred", "mixup_deferred", "logit_adjusted", "ldam_deferred", "balanced_order"),
    *("class_balanced", "tau_normalisation", "crt"),
]
SHARED = {
    "ce_deferred": ("ce", 0.8),
    "mixup_deferred": ("mixup", 0.8),
    "tau_normalisation": ("ce", 1.0),
    "crt": ("ce", 1.0),
}


def read_cells() -> list[dict[str, str]]:
    """The cells that are kept: one row a network that was evaluated."""
    return list(csv.DictReader(CELLS.open(newline=""))) if CELLS.exists() else []


def keep(rows: list[dict[str, Any]]) -> None:
    """Add rows to the file of cells; rows of the same cell are replaced."""

    def key(row: dict[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in ("study", "method", "seed", "fold", "network"))

    new = {key(row) for row in rows}
    every = [row for row in read_cells() if key(row) not in new] + rows
    CELLS.parent.mkdir(parents=True, exist_ok=True)
    with CELLS.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
        writer.writeheader()
        writer.writerows(sorted(every, key=key))


def main(arguments: list[str]) -> None:
    """Train cells, or write the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks longtail", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("run", help="train the cells of a study that are not kept yet")
    training.add_argument("study", help="cifar10-100/quick, cifar10-100, cifar10-10/quick, cifar10-10 or ham10000")
    training.add_argument("--runs", type=Path, required=True, help="folder of the run folders")
    training.add_argument("--methods", nargs="+", default=METHODS)
    training.add_argument("--seeds", nargs="+", type=int, default=[0])
    training.add_argument("--folds", nargs="+", type=int, default=None, help="of a study with folds")
    commands.add_parser("tables", help="write the tables of docs/longtail.md from the cells")
    given = parser.parse_args(arguments)
    if given.command == "tables":
        return write_tables(ROOT / "docs" / "longtail.md", read_cells())
    for seed in given.seeds:
        for fold in given.folds or [None]:
            for method in given.methods:
                done = {(row["study"], row["method"], row["seed"], row["fold"]) for row in read_cells()}
                if (given.study, method, str(seed), "" if fold is None else str(fold)) not in done:
                    sys.stdout.write(f"{given.study} {method}, seed {seed}\n")
                    keep(run_cell(given.study, method, seed, fold, given.runs))


def recipe_file(study: str, method: str) -> Path:
    """The recipe of a method in a study."""
    return ROOT / "plugins" / "imbalkit_longtail" / "recipes" / study / f"{method}.yaml"


def run_cell(study: str, method: str, seed: int, fold: int | None, runs: Path) -> list[dict[str, Any]]:
    """Train a cell, or go on with it: its rows."""
    from imbalkit.base.progress import Lines
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run
    from imbalkit.recipe.prepare import prepare

    overrides = [f"seed={seed}", *([] if fold is None else [f"split.fold={fold}"])]
    prepared = prepare(recipe_file(study, method), overrides)
    if not prepared.recipe.stages and prepared.recipe.training.monitor == "last":
        # Keeps the best epoch's weights beside the last one's, and changes nothing of training.
        overrides.append("training.monitor=balanced_accuracy")
        prepared = prepare(recipe_file(study, method), overrides)
    name = f"seed-{seed}" if fold is None else f"fold-{fold}--seed-{seed}"
    folder = runs / study.replace("/", "-") / f"{method}--{name}"
    if method in SHARED and not folder.exists():
        other, share = SHARED[method]
        epochs = round(share * prepared.recipe.training.epochs)
        start_from(folder.with_name(f"{other}--{name}"), epochs, folder, prepared)
    epochs = prepared.recipe.training.epochs
    with kept_checkpoints(folder, [epochs, *(round(share * epochs) for _, share in SHARED.values())]):
        run(recipe_file(study, method), overrides, RunOptions(folder=folder, resume=True, progress=Lines()))
    facts = {"study": study, "method": method, "seed": seed, "fold": "" if fold is None else fold}
    return [{**facts, **row} for row in figures(folder, folder.with_name(f"ce--{name}"))]


def start_from(other: Path, epochs: int, folder: Path, prepared: Any) -> None:
    """A run folder that goes on after the first epochs of another run, which this method has in common with it.

    Nothing happens where that run has kept no checkpoint of that epoch: all epochs are trained then.
    """
    from imbalkit.base.files import read_json, write_json
    from imbalkit.kinds import BuildContext
    from imbalkit.recipe.recipe import save_recipe
    from imbalkit.runs.data_record import RECORD
    from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint

    if not kept(other, epochs).exists():
        return
    state = load_checkpoint(kept(other, epochs))
    if prepared.recipe.training.monitor == "last":
        state["best_weights"] = None
    if prepared.recipe.deferred is not None and len(state["losses"]) == 1:
        loss = prepared.recipe.deferred.loss or prepared.recipe.loss
        context = BuildContext(
            prepared.classes, prepared.class_counts[-1].counts.low, epochs=prepared.recipe.training.epochs
        )
        state["losses"].append(loss.build(context).state_dict())  # as at the start of a training
    folder.mkdir(parents=True)
    shutil.copy(other / RECORD, folder)
    save_recipe(prepared.recipe, folder / "recipe.yaml")
    log = (other / "log.jsonl").read_text().splitlines(keepends=True)
    (folder / "log.jsonl").write_text("".join(log[:epochs]))
    facts = read_json(other / "run.json") | {"name": prepared.name, "recipe_hash": prepared.recipe.hash}
    write_json(folder / "run.json", {key: value for key, value in facts.items() if key != "finished"})
    save_checkpoint(folder / "checkpoints" / "final.pt", state)
