"""From a plain network to the best model, docs/best.md: trains the cells on HAM10000, keeps their test rows, writes the table.

python -m tests.benchmarks best run --runs FOLDER                              trains what is not in docs/results/best yet
python -m tests.benchmarks best run --runs FOLDER --methods augmented --folds 0 1
python -m tests.benchmarks best costs                                          exports each network and times the files
python -m tests.benchmarks best table                                          writes the table of docs/best.md

HAM10000 and WEIGHTS name the folders of the data, as in the recipes melanoma/ham10000/METHOD. Every photograph is tested once, by
a network that has not seen its lesion. Of each cell only the test rows are kept, in docs/results/best/METHOD.csv.gz, so that
the study goes on where it was; FOLDER keeps the run folders, and an unfinished run is resumed.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.functional.bootstrap import draw_weights, percentile_interval
from imbalkit.functional.metrics import calibration_error
from imbalkit.functional.ranking import miss_rate_at, roc_auc

ROOT = Path(__file__).parents[2]
CELLS = ROOT / "docs" / "results" / "best"
COSTS = CELLS / "costs.csv"
PAGE = ROOT / "docs" / "best.md"
FOLDS, RESAMPLES = range(5), 2000
# method: (what the table calls it, the methods that it is compared with)
METHODS: dict[str, tuple[str, tuple[str, ...]]] = {
    "small": ("small network from random weights", ()),
    "mobilenet": ("MobileNetV1 0.75, ImageNet weights", ("small",)),
    "lite0": ("EfficientNet-Lite0, ImageNet weights", ("mobilenet",)),
    "augmented": ("+ augmentation", ("lite0",)),
    "diagnoses": ("+ trained on the seven diagnoses", ("augmented",)),
    "larger": ("+ 224 px", ("diagnoses",)),
    "views": ("+ averaged views", ("diagnoses",)),
    "columns": ("+ age, sex and site", ("diagnoses",)),
    "ensemble": ("+ ensemble of three seeds", ("diagnoses",)),
    "distilled": ("one network taught by the ensemble", ("diagnoses", "ensemble")),
    "cross_validation": ("the five networks of a cross-validation of the training rows", ("diagnoses",)),
    "out_of_fold": ("one network taught by that cross-validation", ("diagnoses", "cross_validation")),
}
BASE = "diagnoses"  # the recipe of the ensembles' members, and what the settings below change
TURNS = "{name: dermoscopy, scale: 0, brightness: 0, contrast: 0, saturation: 0, hue: 0, blur_p: 0, cutout_p: 0}"
# setting: (what the second table calls it, what it sets in the recipe of BASE)
SETTINGS: dict[str, tuple[str, str]] = {
    "no_augmentation": ("no augmentation", "augment=[]"),
    "orientations": ("the eight orientations alone", f"augment=[{TURNS}]"),
    "trivial_augment": ("the eight orientations and `trivial_augment`", f"augment=[{TURNS}, trivial_augment]"),
    "rand_augment": ("the eight orientations and `rand_augment`", f"augment=[{TURNS}, rand_augment]"),
    "layer_decay": ("`layer_decay: 0.9`", "training.optimizer.layer_decay=0.9"),
    "drop_path": ("`drop_path: 0.1`", "backbone.drop_path=0.1"),
    "mixup": ("`mixup`, alpha 0.2", "mixer={name: mixup, alpha: 0.2}"),
    "ema": ("`ema: 0.99`", "training.ema=0.99"),
}
STUDENTS = ("distilled", "out_of_fold")  # of the same recipe, with other teachers
FIGURES = {
    "auc": "AUC",
    "mean_recall": "mean recall, chosen threshold",
    "recall_at_80": "melanoma recall at 80 % specificity",
    "ece": "ECE",
}
BIASED = "ece"  # larger in every resample: no interval


def rows_file(method: str) -> Path:
    """The test rows of a method that are kept."""
    return CELLS / f"{method}.csv.gz"


def kept_rows(method: str) -> pd.DataFrame:
    """Test rows: fold, source, melanoma (0 or 1), probability, predicted (0 or 1); empty without."""
    columns = ["fold", "source", "melanoma", "probability", "predicted"]
    return pd.read_csv(rows_file(method)) if rows_file(method).exists() else pd.DataFrame(columns=columns)


def keep(method: str, rows: pd.DataFrame) -> None:
    """Add the test rows of a fold."""
    others = kept_rows(method)
    others = others[~others["fold"].isin(rows["fold"])]
    every = pd.concat([others, rows]).sort_values(["fold", "source"]) if len(others) else rows
    CELLS.mkdir(parents=True, exist_ok=True)
    every.to_csv(rows_file(method), index=False, float_format="%.6g", compression={"method": "gzip", "mtime": 0})


def run_cell(method: str, fold: int, runs: Path) -> pd.DataFrame:
    """Train a cell, or go on with it: its test rows."""
    from imbalkit.runs.results import RunData

    if method == "cross_validation":
        return predicted_by(nested_cross_validation(fold, runs), fold)
    folder = ensemble_of_seeds(fold, runs) if method == "ensemble" else trained(method, fold, runs)
    frame = RunData(folder).predictions
    frame = frame[frame["split"] == "test"]
    return pd.DataFrame(
        {
            "fold": fold,
            "source": frame["source"],
            "melanoma": (frame["label"] == "mel").astype(int),
            "probability": frame["probability_mel"],
            "predicted": (frame["decision"] == "mel").astype(int),
        }
    )


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
    recipe, overrides = method, [f"split.fold={fold}", f"seed={seed}"]
    if method in STUDENTS:  # no teacher ever saw the fold's validation and test rows
        teacher = ensemble_of_seeds(fold, runs) if method == "distilled" else nested_cross_validation(fold, runs)
        recipe, overrides = "distilled", [*overrides, f"loss.teacher={teacher.absolute()}"]
    elif method in SETTINGS:
        recipe, overrides = BASE, [*overrides, SETTINGS[method][1]]
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
    overrides = [f"data.file={few}", "training.epochs=1", "split.fold=0"]
    if method not in ("ensemble", "cross_validation"):
        return run(f"melanoma/ham10000/{method}", overrides, RunOptions(folder=folder / "run"))
    recipe = f"melanoma/ham10000/{BASE}"
    if method == "cross_validation":
        return run(recipe, overrides[:-1], RunOptions(folder=folder / "run"))
    members = [
        run(recipe, [*overrides, f"seed={seed}"], RunOptions(folder=folder / f"member-{seed}")) for seed in range(3)
    ]
    return make_ensemble(members, folder / "run")


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


def figures(rows: pd.DataFrame, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Each figure for every row of weights [R, n]; rankings as means over folds."""
    positives, probability = rows["melanoma"].to_numpy() == 1, rows["probability"].to_numpy()
    right = (rows["predicted"] == rows["melanoma"]).to_numpy()
    of_folds = [
        (positives[own], probability[own], weights[:, own])
        for own in ((rows["fold"] == fold).to_numpy() for fold in rows["fold"].unique())
    ]
    recalls = [(weights[:, own] @ right[own]) / weights[:, own].sum(axis=1) for own in (positives, ~positives)]
    return {
        "auc": np.mean([roc_auc(*fold) for fold in of_folds], axis=0),
        "mean_recall": np.mean(recalls, axis=0),
        "recall_at_80": 1 - np.mean([miss_rate_at(*fold, 0.2) for fold in of_folds], axis=0),
        "ece": calibration_error(positives, probability, weights=weights),
    }


def table() -> str:
    """The table of docs/best.md: figures with 95 % intervals, and paired differences over the folds that both have."""
    costs = pd.read_csv(COSTS, index_col="method") if COSTS.exists() else pd.DataFrame()
    lines = [
        "| model | folds | " + " | ".join(FIGURES.values()) + " | ONNX file | ms a photograph (ONNX Runtime, LiteRT) |"
    ]
    lines.append("| --- " * (len(FIGURES) + 4) + "|")
    for method, (name, others) in METHODS.items():
        rows = kept_rows(method)
        if rows.empty:
            continue
        cells = interval_cells(rows)
        lines.append(
            f"| {name} | {rows['fold'].nunique()} | " + " | ".join([*cells, *cost_cells(costs, method)]) + " |"
        )
        for before in others:
            apart = difference_cells(rows, kept_rows(before))
            if apart is not None:
                lines.append(
                    f"| change from {METHODS[before][0].removeprefix('+ ')} | {apart[0]} | "
                    + " | ".join([*apart[1], "", ""])
                    + " |"
                )
    return "\n".join(lines)


def settings_table() -> str:
    """The table of settings: figures of each, and what it changes of BASE on the folds that both have."""
    lines = ["| setting | folds | " + " | ".join(FIGURES.values()) + " |", "| --- " * (len(FIGURES) + 2) + "|"]
    base = kept_rows(BASE)
    for method, (name, _) in SETTINGS.items():
        apart = difference_cells(kept_rows(method), base)
        if apart is not None:
            lines.append(f"| {name} | {apart[0]} | " + " | ".join(apart[1]) + " |")
    return "\n".join(lines)


def weights_of(rows: pd.DataFrame) -> np.ndarray:
    """Bootstrap weights [R, n] within fold and class: the same for every method with the same rows."""
    strata = rows["fold"].to_numpy() * 2 + rows["melanoma"].to_numpy()
    return draw_weights(len(rows), RESAMPLES, np.random.default_rng(0), strata)


def interval_cells(rows: pd.DataFrame) -> list[str]:
    """Each figure with its interval."""
    point, resampled = figures(rows, np.ones((1, len(rows)))), figures(rows, weights_of(rows))
    limits = {name: percentile_interval(resampled[name]) for name in FIGURES}
    return [
        f"{point[name][0]:.3f}" + ("" if name == BIASED else f" [{limits[name][0]:.3f}, {limits[name][1]:.3f}]")
        for name in FIGURES
    ]


def difference_cells(rows: pd.DataFrame, others: pd.DataFrame) -> tuple[int, list[str]] | None:
    """How many folds both have, and each figure's paired difference on them; None without any."""
    folds = sorted(set(rows["fold"]) & set(others["fold"]))
    if not folds:
        return None
    first, second = (frame[frame["fold"].isin(folds)].sort_values(["fold", "source"]) for frame in (rows, others))
    if first["source"].tolist() != second["source"].tolist():
        raise SystemExit("the two methods were not tested on the same rows: run the cells again")
    weights, once = weights_of(first), np.ones((1, len(first)))
    point = {name: figures(first, once)[name][0] - figures(second, once)[name][0] for name in FIGURES}
    moved, still = figures(first, weights), figures(second, weights)
    limits = {name: percentile_interval(moved[name] - still[name]) for name in FIGURES}
    return len(folds), [
        f"{point[name]:+.3f}" + ("" if name == BIASED else f" [{limits[name][0]:+.3f}, {limits[name][1]:+.3f}]")
        for name in FIGURES
    ]


def cost_cells(costs: pd.DataFrame, method: str) -> list[str]:
    """Megabytes of the ONNX file, and milliseconds a photograph on two threads; those of its network for a student."""
    method = BASE if method in STUDENTS else method
    if method not in costs.index:
        return ["", ""]
    cost = costs.loc[method]
    return [f"{cost['onnx_bytes'] / 1e6:.1f} MB", f"{cost['onnx_ms']:.1f}, {cost['litert_ms']:.1f}"]


def between_marks(page: str, name: str, lines: str) -> str:
    """A page with other lines between `<!-- cells: NAME -->` and `<!-- end -->`."""
    marks = rf"(<!-- cells: {name} -->).*?(<!-- end -->)"
    return re.sub(marks, lambda found: f"{found[1]}\n\n{lines}\n\n{found[2]}", page, flags=re.DOTALL)


def main(arguments: list[str]) -> None:
    """Train cells, time files, or write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks best", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("run", help="train the cells that are not kept yet")
    training.add_argument("--runs", type=Path, required=True, help="folder of the run folders")
    timing = commands.add_parser("costs", help="export the network of each method and time its files")
    for command in (training, timing):
        command.add_argument("--methods", nargs="+", default=list(METHODS), choices=[*METHODS, *SETTINGS])
    training.add_argument("--folds", nargs="+", type=int, default=list(FOLDS))
    commands.add_parser("table", help="write the table of docs/best.md")
    given = parser.parse_args(arguments)
    if given.command == "table":
        text = PAGE.read_text(encoding="utf-8")
        for name, lines in (("best", table()), ("settings", settings_table())):
            text = between_marks(text, name, lines)
        PAGE.write_text(text, encoding="utf-8")
    elif given.command == "run":
        for fold in given.folds:
            for method in given.methods:
                if fold not in set(kept_rows(method)["fold"]):
                    sys.stdout.write(f"{method}, fold {fold}\n")
                    keep(method, run_cell(method, fold, given.runs))
    else:
        for method in given.methods:
            if method in METHODS and method not in STUDENTS:
                keep_cost(cost(method))
