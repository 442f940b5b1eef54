"""From a plain network to the best model, docs/best.md: trains the cells on HAM10000, keeps their test rows, writes the tables.

python -m tests.benchmarks best run --runs FOLDER                              trains what is not in docs/results/best yet
python -m tests.benchmarks best run --runs FOLDER --methods augmented --folds 0 1
python -m tests.benchmarks best costs                                          exports each network and times the files
python -m tests.benchmarks best table                                          writes the tables of docs/best.md

HAM10000 and WEIGHTS name the folders of the data, as in the recipes melanoma/ham10000/METHOD. Every photograph is tested once, by
a network that has not seen its lesion. Of each cell only the test rows are kept, in docs/results/best/METHOD.csv.gz, so that
the study goes on where it was; FOLDER keeps the run folders, and an unfinished run is resumed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from tests.benchmarks._best_tables import (
    BASE,
    CELLS,
    COSTS,
    MEANS,
    METHODS,
    SETTINGS,
    STUDENTS,
    keep,
    keep_validation,
    kept_rows,
    write_page,
)


def run_cell(method: str, fold: int, runs: Path) -> pd.DataFrame:
    """Train a cell, or go on with it: its test rows."""
    from imbalkit.functional.ranking import roc_auc
    from imbalkit.runs.results import RunData

    if method == "cross_validation":
        return predicted_by(nested_cross_validation(fold, runs), fold)
    folder = ensemble_of_seeds(fold, runs) if method == "ensemble" else trained(method, fold, runs)
    frame = RunData(folder).predictions.assign(fold=fold)
    frame["melanoma"] = (frame["label"] == "mel").astype(int)
    frame["predicted"] = (frame["decision"] == "mel").astype(int)
    chosen = frame[frame["split"] == "validation"]
    auc = roc_auc(chosen["melanoma"].to_numpy() == 1, chosen["probability_mel"].to_numpy())
    keep_validation(method, fold, float(auc))
    tested = frame[frame["split"] == "test"].rename(columns={"probability_mel": "probability"})
    return tested[["fold", "source", "melanoma", "probability", "predicted"]]


def predicted_by(folder: Path, fold: int) -> pd.DataFrame:
    """The test rows of a fold as a run predicts them that has them not among its data."""
    from imbalkit.recipe.prepare import prepare
    from imbalkit.runs.restore import restore

    prepared, model = prepare(f"melanoma/ham10000/{BASE}", [f"split.fold={fold}"]), restore(folder)
    rows, positive = prepared.split.test, model.classes.index("mel")
    frame = prepared.table.frame.iloc[rows]
    logits = model.logits(frame["path"].tolist())
    return pd.DataFrame(
        {
            "fold": fold,
            "source": rows,
            "melanoma": (frame["label"] == "mel").astype(int).to_numpy(),
            "probability": model.decision.probabilities(logits)[:, positive],
            "predicted": (model.decision.decide(logits) == positive).astype(int),
        }
    )


def trained(method: str, fold: int, runs: Path, seed: int = 0) -> Path:
    """The run folder of a method, trained or gone on with."""
    from imbalkit.base.progress import Lines
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run

    folder = folder_of(method, fold, runs, seed)
    setting = SETTINGS.get(method)
    recipe = method if setting is None else setting.of
    overrides = [f"split.fold={fold}", f"seed={seed}", *(["loss.weight=0.7"] if recipe in STUDENTS else [])]
    overrides += [] if setting is None else setting.overrides
    if recipe in STUDENTS:  # no teacher ever saw the fold's validation and test rows
        teacher = ensemble_of_seeds(fold, runs) if recipe == "distilled" else nested_cross_validation(fold, runs)
        recipe, overrides = "distilled", [*overrides, f"loss.teacher={teacher.absolute()}"]
    options = RunOptions(folder=folder, resume=True, rounds=runs / "rounds", progress=Lines())
    return run(f"melanoma/ham10000/{recipe}", overrides, options)


def nested_cross_validation(fold: int, runs: Path) -> Path:
    """The cross-validation of a fold's training rows alone: each of them is taught by the network that did not see it."""
    from imbalkit.base.progress import Lines
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run
    from imbalkit.recipe.prepare import prepare

    recipe = f"melanoma/ham10000/{BASE}"
    prepared = prepare(recipe, [f"split.fold={fold}"])
    used = set(prepared.table.frame["path"].iloc[prepared.split.train].map(os.path.basename))
    folder = folder_of("nested", fold, runs)
    every = labels_with_absolute_paths()
    own = write_table(every[every["path"].map(os.path.basename).isin(used)], runs / f"nested--fold-{fold}.csv")
    return run(recipe, [f"data.file={own}", "seed=0"], RunOptions(folder=folder, resume=True, progress=Lines()))


def labels_with_absolute_paths() -> pd.DataFrame:
    """The table of all photographs, to write parts of it anywhere."""
    data = Path(os.environ["HAM10000"]).absolute()
    rows = pd.read_csv(data / "labels.csv")
    return rows.assign(path=[str(data / path) for path in rows["path"]])


def write_table(rows: pd.DataFrame, file: Path) -> Path:
    """Write a table of photographs."""
    file.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(file, index=False)
    return file.absolute()


def ensemble_of_seeds(fold: int, runs: Path) -> Path:
    """The run that three seeds of the method before it make together."""
    from imbalkit.runs.folder import is_finished
    from imbalkit.studies.ensembles import make_ensemble

    folder = folder_of("ensemble", fold, runs)
    if is_finished(folder):
        return folder
    return make_ensemble([trained(BASE, fold, runs, seed) for seed in range(3)], folder)


def folder_of(method: str, fold: int, runs: Path, seed: int = 0) -> Path:
    """Where the run of a cell is."""
    return runs / f"{method}--fold-{fold}--seed-{seed}"


def run_on_a_few(method: str, folder: Path) -> Path:
    """A run of one epoch on few rows with the network of a method, or all that it averages: size and time are the same."""
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run
    from imbalkit.studies.ensembles import make_ensemble

    few = write_table(labels_with_absolute_paths().groupby("dx").head(20), folder / "labels.csv")
    overrides = [f"data.file={few}", "training.epochs=1"]
    if method == "cross_validation":
        return run(f"melanoma/ham10000/{BASE}", overrides, RunOptions(folder=folder / "run"))
    overrides.append("split.fold=0")
    kinds = (BASE,) * 3 if method == "ensemble" else MEANS.get(method, (method,))
    members = [
        run(f"melanoma/ham10000/{kind}", [*overrides, f"seed={seed}"], RunOptions(folder=folder / f"member-{seed}"))
        for seed, kind in enumerate(kinds)
    ]
    return members[0] if len(members) == 1 else make_ensemble(members, folder / "run")


def cost(method: str) -> dict[str, Any]:
    """Bytes of the ONNX file, and milliseconds a photograph on two threads in ONNX Runtime and LiteRT."""
    import tempfile

    from imbalkit.catalogue import default_catalogue
    from imbalkit.export.export import export
    from imbalkit.runs.restore import restore

    entry: dict[str, Any] = {"method": method}
    with tempfile.TemporaryDirectory() as place:
        restored = restore(run_on_a_few(method, Path(place)), "cpu")
        for name, ending, column in (("onnx", "onnx", "onnx"), ("tflite", "tflite", "litert")):
            exporter = default_catalogue().get("exporter", name)()
            facts = export(restored, exporter, Path(place) / f"model.{ending}", measured=True)
            times = facts["measured"]["milliseconds_by_threads"]["2"]
            entry[f"{column}_bytes"] = facts["bytes"]
            entry[f"{column}_ms"] = next(value for key, value in times.items() if key.endswith("this file"))["median"]
    return entry


def keep_cost(entry: dict[str, Any]) -> None:
    """Put a method's costs in the place of its earlier ones."""
    measured = pd.DataFrame([entry])
    if COSTS.exists():
        others = pd.read_csv(COSTS)
        measured = pd.concat([others[others["method"] != entry["method"]], measured])
    CELLS.mkdir(parents=True, exist_ok=True)
    measured.to_csv(COSTS, index=False, float_format="%.6g")


def main(arguments: list[str]) -> None:
    """Train cells, time files, or write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks best", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("run", help="train the cells that are not kept yet")
    training.add_argument("--runs", type=Path, required=True, help="folder of the run folders")
    timing = commands.add_parser("costs", help="export the network of each method and time its files")
    for command in (training, timing):
        command.add_argument("--methods", nargs="+", default=list(METHODS), choices=[*METHODS, *SETTINGS])
    training.add_argument("--folds", nargs="+", type=int, default=list(range(5)))
    commands.add_parser("table", help="write the table of docs/best.md")
    given = parser.parse_args(arguments)
    if given.command == "table":
        write_page()
    elif given.command == "run":
        for fold in given.folds:
            for method in given.methods:
                if method not in MEANS and fold not in set(kept_rows(method)["fold"]):
                    sys.stdout.write(f"{method}, fold {fold}\n")
                    keep(method, run_cell(method, fold, given.runs))
    else:
        for method in given.methods:
            if method in METHODS and method not in STUDENTS:
                keep_cost(cost(method))
