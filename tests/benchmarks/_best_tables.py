"""The rows that are kept of docs/best.md's cells, and its tables: figures with intervals, and paired differences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from imbalkit.functional.bootstrap import draw_weights, percentile_interval
from imbalkit.functional.metrics import calibration_error
from imbalkit.functional.ranking import miss_rate_at, roc_auc

ROOT = Path(__file__).parents[2]
CELLS = ROOT / "docs" / "results" / "best"
COSTS = CELLS / "costs.csv"
VALIDATION = CELLS / "validation.csv"
PAGE = ROOT / "docs" / "best.md"
RESAMPLES = 2000
# method: (what the table calls it, the methods that it is compared with)
METHODS: dict[str, tuple[str, tuple[str, ...]]] = {
    "small": ("small network from random weights", ()),
    "mobilenet": ("MobileNetV1 0.75, ImageNet weights", ("small",)),
    "lite0": ("EfficientNet-Lite0, ImageNet weights", ("mobilenet",)),
    "augmented": ("+ augmentation, 10 epochs for 6", ("lite0",)),
    "diagnoses": ("+ trained on the seven diagnoses", ("augmented",)),
    "larger": ("+ 224 px", ("diagnoses",)),
    "views": ("+ averaged views", ("diagnoses",)),
    "mobilenet_views": ("MobileNetV1 0.75 with the same steps and views", ("mobilenet", "views")),
    "two_kinds": ("the mean of Lite0 and MobileNetV1, both with views", ("views", "mobilenet_views")),
    "two_kinds_two_seeds": ("the mean of Lite0 and two seeds of MobileNetV1, all with views", ("views", "two_kinds")),
    "lite2_views": ("EfficientNet-Lite2 with the same steps and views", ("views",)),
    "lite0_lite2": ("the mean of Lite0 and Lite2, both with views", ("views", "lite2_views")),
    "three_kinds": ("the mean of Lite0, Lite2 and MobileNetV1, all with views", ("views", "two_kinds")),
    "columns": ("+ age, sex and site", ("diagnoses",)),
    "ensemble": ("+ ensemble of three seeds", ("diagnoses",)),
    "distilled": ("one network taught by the ensemble", ("diagnoses", "ensemble")),
    "cross_validation": ("the five networks of a cross-validation of the training rows", ("diagnoses",)),
    "out_of_fold": ("one network taught by that cross-validation", ("diagnoses", "cross_validation")),
}
BASE = "diagnoses"  # the recipe of the ensembles' members and of the students
MEANS = {  # of the probabilities that are kept; without a threshold of their own
    "two_kinds": ("views", "mobilenet_views"),
    "two_kinds_two_seeds": ("views", "mobilenet_views", "mobilenet_views_1"),
    "lite0_lite2": ("views", "lite2_views"),
    "three_kinds": ("views", "lite2_views", "mobilenet_views"),
}
STUDENTS = ("distilled", "out_of_fold")  # of the same recipe, with other teachers
TURNS = "{name: dermoscopy, scale: 0, brightness: 0, contrast: 0, saturation: 0, hue: 0, blur_p: 0, cutout_p: 0}"

AFFINE = (
    "{name: kornia, transform: RandomAffine, options: {degrees: 180, scale: [0.8, 1.25], shear: 10,"
    " padding_mode: reflection, p: 1}}"
)
HALF = "{name: random_under, to: {nv: 1513, bkl: 204, mel: 172, bcc: 92, akiec: 64, vasc: 28, df: 21}}"  # of each class


class Setting(NamedTuple):
    """What a cell changes in the recipe of a method, and what the second or third table calls it."""

    name: str
    of: str
    overrides: tuple[str, ...]


SETTINGS = {
    "no_augmentation": Setting("no augmentation", BASE, ("augment=[]",)),
    "orientations": Setting("the eight orientations alone", BASE, (f"augment=[{TURNS}]",)),
    "trivial_augment": Setting(
        "the eight orientations and `trivial_augment`", BASE, (f"augment=[{TURNS}, trivial_augment]",)
    ),
    "rand_augment": Setting("the eight orientations and `rand_augment`", BASE, (f"augment=[{TURNS}, rand_augment]",)),
    "any_angle": Setting("`dermoscopy` and any angle, zoom, shear", BASE, (f"augment=[dermoscopy, {AFFINE}]",)),
    "layer_decay": Setting("`layer_decay: 0.9`", BASE, ("training.optimizer.layer_decay=0.9",)),
    "drop_path": Setting("`drop_path: 0.1`", BASE, ("backbone.drop_path=0.1",)),
    "mixup": Setting("`mixup`, alpha 0.2", BASE, ("mixer={name: mixup, alpha: 0.2}",)),
    "ema": Setting("`ema: 0.99`", BASE, ("training.ema=0.99",)),
    "sam": Setting("`sam`, twice the time", BASE, ("training.sam={}",)),
    "mobilenet_views_1": Setting("seed 1", "mobilenet_views", ("seed=1",)),
    "half_of_rows": Setting("half of the training rows", BASE, (f"samplers=[{HALF}]",)),
    "out_of_fold_views": Setting("`views: dihedral`", "out_of_fold", ("loss.views=dihedral",)),
    "weight_03": Setting("`weight: 0.3`", "out_of_fold", ("loss.weight=0.3",)),
    "temperature_1": Setting("`temperature: 1`", "out_of_fold", ("loss.temperature=1",)),
    "weight_03_temperature_1": Setting(
        "`weight: 0.3`, `temperature: 1`", "out_of_fold", ("loss.weight=0.3", "loss.temperature=1")
    ),
}
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


def rows_of(method: str) -> pd.DataFrame:
    """Test rows as `kept_rows`; those of a mean are of the folds that all its members have, and `predicted` is missing."""
    if method not in MEANS:
        return kept_rows(method)
    members = [kept_rows(member).set_index(["fold", "source"]) for member in MEANS[method]]
    every = pd.concat([member["probability"] for member in members], axis=1, join="inner").mean(axis=1)
    return members[0].loc[every.index].assign(probability=every, predicted=np.nan).reset_index()


def keep(method: str, rows: pd.DataFrame) -> None:
    """Add the test rows of a fold."""
    others = kept_rows(method)
    others = others[~others["fold"].isin(rows["fold"])]
    every = pd.concat([others, rows]).sort_values(["fold", "source"]) if len(others) else rows
    CELLS.mkdir(parents=True, exist_ok=True)
    every.to_csv(rows_file(method), index=False, float_format="%.6g", compression={"method": "gzip", "mtime": 0})


def keep_validation(method: str, fold: int, auc: float) -> None:
    """Add the AUC of a cell's validation rows, by which settings are chosen."""
    entry = pd.DataFrame([{"method": method, "fold": fold, "auc": auc}])
    if VALIDATION.exists():
        others = pd.read_csv(VALIDATION)
        entry = pd.concat([others[(others["method"] != method) | (others["fold"] != fold)], entry])
    entry.sort_values(["method", "fold"]).to_csv(VALIDATION, index=False, float_format="%.6g")


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
        rows = rows_of(method)
        if rows.empty:
            continue
        cells = interval_cells(rows)
        lines.append(
            f"| {name} | {rows['fold'].nunique()} | " + " | ".join([*cells, *cost_cells(costs, method)]) + " |"
        )
        for before in others:
            apart = difference_cells(rows, rows_of(before))
            if apart is not None:
                lines.append(
                    f"| change from {METHODS[before][0].removeprefix('+ ')} | {len(apart[0])} | "
                    + " | ".join([*apart[1], "", ""])
                    + " |"
                )
    return "\n".join(lines)


def settings_table(of: str) -> str:
    """The table of what settings change in a method, on the folds that both have; its students are compared like it."""
    validation = pd.read_csv(VALIDATION) if VALIDATION.exists() else pd.DataFrame(columns=["method", "fold", "auc"])
    compared = (of, *METHODS[of][1]) if of in STUDENTS else (of,)
    columns = ["setting", "change from", "folds", *FIGURES.values(), "AUC of validation rows"]
    lines = ["| " + " | ".join(columns) + " |", "| --- " * len(columns) + "|"]
    for method, setting in SETTINGS.items():
        for other in compared if setting.of == of else ():
            apart = difference_cells(rows_of(method), rows_of(other))
            if apart is not None:
                cells = [setting.name, METHODS[other][0].removeprefix("+ "), str(len(apart[0])), *apart[1]]
                lines.append("| " + " | ".join([*cells, validation_cell(validation, method, other, apart[0])]) + " |")
    return "\n".join(lines)


def validation_cell(validation: pd.DataFrame, method: str, other: str, folds: list[int]) -> str:
    """Mean AUC of the validation rows of both over folds; empty where a fold's is not kept."""
    means = []
    for name in (method, other):
        own = validation[(validation["method"] == name) & validation["fold"].isin(folds)]
        if len(own) < len(folds):
            return ""
        means.append(own["auc"].mean())
    return f"{means[0]:.3f}, {means[1]:.3f}"


def weights_of(rows: pd.DataFrame) -> np.ndarray:
    """Bootstrap weights [R, n] within fold and class: the same for every method with the same rows."""
    strata = rows["fold"].to_numpy() * 2 + rows["melanoma"].to_numpy()
    return draw_weights(len(rows), RESAMPLES, np.random.default_rng(0), strata)


def interval_cells(rows: pd.DataFrame) -> list[str]:
    """Each figure with its interval."""
    point, resampled = figures(rows, np.ones((1, len(rows)))), figures(rows, weights_of(rows))
    return [
        "" if has_no(name, rows) else f"{point[name][0]:.3f}{interval(name, resampled[name], '.3f')}"
        for name in FIGURES
    ]


def difference_cells(rows: pd.DataFrame, others: pd.DataFrame) -> tuple[list[int], list[str]] | None:
    """The folds that both have, and each figure's paired difference on them; None without any."""
    folds = sorted(set(rows["fold"]) & set(others["fold"]))
    if not folds:
        return None
    first, second = (frame[frame["fold"].isin(folds)].sort_values(["fold", "source"]) for frame in (rows, others))
    if first["source"].tolist() != second["source"].tolist():
        raise SystemExit("the two methods were not tested on the same rows: run the cells again")
    weights, once = weights_of(first), np.ones((1, len(first)))
    point = {name: figures(first, once)[name][0] - figures(second, once)[name][0] for name in FIGURES}
    moved, still = figures(first, weights), figures(second, weights)
    return folds, [
        "" if has_no(name, first, second) else f"{point[name]:+.3f}{interval(name, moved[name] - still[name], '+.3f')}"
        for name in FIGURES
    ]


def has_no(figure: str, *frames: pd.DataFrame) -> bool:
    """Whether a figure is of decisions, and rows have none."""
    return figure == "mean_recall" and any(frame["predicted"].isna().any() for frame in frames)


def interval(figure: str, resampled: np.ndarray, form: str) -> str:
    """The interval behind a figure; empty where resamples are biased."""
    low, high = percentile_interval(resampled)
    return "" if figure == BIASED else f" [{low:{form}}, {high:{form}}]"


def cost_cells(costs: pd.DataFrame, method: str) -> list[str]:
    """Megabytes of the ONNX file, and milliseconds a photograph on two threads; those of its network for a student."""
    method = BASE if method in STUDENTS else method
    if method not in costs.index:
        return ["", ""]
    cost = costs.loc[method]
    return [f"{cost['onnx_bytes'] / 1e6:.1f} MB", f"{cost['onnx_ms']:.1f}, {cost['litert_ms']:.1f}"]


def write_page() -> None:
    """The tables into docs/best.md."""
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (
        ("best", table()),
        ("settings", settings_table(BASE)),
        ("students", settings_table("out_of_fold")),
    ):
        text = between_marks(text, name, lines)
    PAGE.write_text(text, encoding="utf-8")


def between_marks(page: str, name: str, lines: str) -> str:
    """A page with other lines between `<!-- cells: NAME -->` and `<!-- end -->`."""
    marks = rf"(<!-- cells: {name} -->).*?(<!-- end -->)"
    return re.sub(marks, lambda found: f"{found[1]}\n\n{lines}\n\n{found[2]}", page, flags=re.DOTALL)
