"""Nine small tables, five times five folds: linear, boosted and dense models, with and without sampling (docs/tables.md).

    python -m tests.benchmarks.tabular TABLES --out docs/results/tables     # goes on where it stopped
    python -m tests.benchmarks.tabular --out docs/results/tables            # the tables of the docs, from what is there

A fold is a test; a quarter of the rest is validation, by which the threshold is chosen (largest sensitivity + specificity). Every
method sees the same rows. `lr` and `boosting` are scikit-learn's in imbalanced-learn's pipelines, `mlp` is imbalkit's.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# File -> the label that is the positive class, and the column of labels by place.
TABLES = {
    "haberman": "2",
    "new-thyroid": "3",
    "glass": "7",
    "ecoli": "imU",
    "oil-spill": "1",
    "german": "2",
    "phoneme": "1",
    "abalone": "7",
    "mammography": "'1'",
}
REPEATS = FOLDS = 5
FIELDS = ("auc", "average_precision", "brier", "recall", "specificity", "recall_at_half", "specificity_at_half")
_MLP: dict[str, dict[str, Any]] = {
    "mlp": {},
    "mlp class_balanced": {"loss": "class_balanced"},
    "mlp logit_adjusted": {"loss": "logit_adjusted"},
    "mlp random_over": {"samplers": ["random_over"]},
    "mlp smote": {"stages": [{"name": "smote"}]},
    "mlp smote of columns": {},  # samplers: see `_smote`
}
_PLAIN = [f"{model}{how}" for model in ("lr", "boosting") for how in ("", " random_over", " smote", " weights")]
OURS = "lr random_over of imbalkit"  # imbalkit's sampler in imbalanced-learn's pipeline
METHODS = [*_PLAIN[:2], OURS, *_PLAIN[2:], *_MLP]


def read(folder: Path, name: str) -> pd.DataFrame:
    """A table with columns c0, c1, ... and `label`: positive or other."""
    frame = pd.read_csv(folder / f"{name}.csv", header=None, dtype={})
    labels = frame.iloc[:, -1].astype(str) == TABLES[name]
    frame = frame.iloc[:, :-1]
    frame.columns = [f"c{place}" for place in range(frame.shape[1])]
    return frame.assign(label=np.where(labels, "positive", "other"))


def splits(labels: np.ndarray, repeat: int) -> Iterator[tuple[int, np.ndarray]]:
    """(fold, train | validation | test of each row) of one repeat."""
    from sklearn.model_selection import StratifiedKFold, train_test_split

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=repeat)
    for fold, (rest, test) in enumerate(folds.split(labels, labels)):
        _, validation = train_test_split(rest, test_size=0.25, stratify=labels[rest], random_state=repeat)
        split = np.full(len(labels), "train", dtype=object)
        split[validation], split[test] = "validation", "test"
        yield fold, split


def plain(method: str, frame: pd.DataFrame, split: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of the positive class, [n], by a pipeline of imbalanced-learn and scikit-learn."""
    from imblearn.over_sampling import SMOTE, RandomOverSampler
    from imblearn.pipeline import Pipeline
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from imbalkit.sklearn import ImbalkitSampler

    model, _, how = method.partition(" ")
    x, y = frame.drop(columns="label"), (frame["label"] == "positive").to_numpy().astype(int)
    words = [name for name in x if not pd.api.types.is_numeric_dtype(x[name])]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words), remainder=StandardScaler()
    )
    weight = "balanced" if how == "weights" else None
    last = (
        LogisticRegression(max_iter=2000, class_weight=weight)
        if model == "lr"
        else HistGradientBoostingClassifier(random_state=seed, class_weight=weight)
    )
    train = split == "train"
    neighbours = min(5, int(y[train].sum()) - 1)
    sampler = {
        "random_over of imbalkit": ImbalkitSampler("random_over", random_state=seed),
        "random_over": RandomOverSampler(random_state=seed),
        "smote": SMOTE(random_state=seed, k_neighbors=neighbours),
    }
    steps = [("encode", encode), *([("sample", sampler[how])] if how in sampler else []), ("model", last)]
    return Pipeline(steps).fit(x[train], y[train]).predict_proba(x)[:, 1]


def dense(method: str, frame: pd.DataFrame, split: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of the positive class, [n] (NaN for training rows), by a run of imbalkit without its report."""
    import imbalkit.report
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run

    imbalkit.report.write_report = lambda *given: Path()  # it takes longer than the training
    with tempfile.TemporaryDirectory() as place:
        frame.assign(split=split).to_csv(f"{place}/table.csv", index=False)
        numbers = [name for name in frame if name != "label" and pd.api.types.is_numeric_dtype(frame[name])]
        recipe = {
            "seed": seed,
            "data": {"name": "features", "file": f"{place}/table.csv", "split_column": "split", "numeric": numbers},
            "split": {"column": "split"},
            "positive": "positive",
            "backbone": {"name": "mlp", "hidden": [64, 32]},
            "training": {
                "epochs": 40,
                "batch_size": 64 if len(frame) < 3000 else 256,
                "optimizer": {"lr": 0.003},
                "monitor": "log_loss",
                "accelerator": "cpu",
            },
            "metrics": ["roc_auc", "log_loss"],
            "evaluation": {"resamples": 0},
            **(_smote(frame, split) if method == "mlp smote of columns" else _MLP[method]),
        }
        folder = run(recipe, options=RunOptions(folder=Path(place) / "run"))
        table = pd.read_parquet(folder / "predictions.parquet")
    found = np.full(len(frame), np.nan)
    found[table["source"]] = table["probability_positive"]
    return found


def _smote(frame: pd.DataFrame, split: np.ndarray) -> dict[str, Any]:
    """imbalanced-learn's SMOTE of the encoded columns, SMOTENC where some are categories."""
    words = any(not pd.api.types.is_numeric_dtype(frame[name]) for name in frame if name != "label")
    rare = int(((frame["label"] == "positive") & (split == "train")).sum())
    options = {"k_neighbors": min(5, rare - 1)}
    return {"samplers": [{"name": "imblearn", "sampler": "SMOTENC" if words else "SMOTE", "options": options}]}


def values(frame: pd.DataFrame, split: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """The metrics of the test rows, with the threshold of the validation rows and with one half."""
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score, roc_curve

    y = (frame["label"] == "positive").to_numpy()
    validation, test = split == "validation", split == "test"
    false, true, thresholds = roc_curve(y[validation], probability[validation])
    chosen = thresholds[np.argmax(true - false)]
    p, truth = probability[test], y[test]

    def share(of: np.ndarray, threshold: float, above: bool) -> float:
        return float(((p[of] >= threshold) == above).mean())

    return {
        "auc": roc_auc_score(truth, p),
        "average_precision": average_precision_score(truth, p),
        "brier": brier_score_loss(truth, p),
        "recall": share(truth, chosen, True),
        "specificity": share(~truth, chosen, False),
        "recall_at_half": share(truth, 0.5, True),
        "specificity_at_half": share(~truth, 0.5, False),
    }


def measure(folder: Path, out: Path) -> None:
    """Every cell that `out` lacks: repeat by repeat, so that what is there is of whole repeats."""
    done = (
        set() if not out.exists() else {tuple(row) for row in pd.read_csv(out)[_KEY].itertuples(index=False, name=None)}
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, "a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if not done:
            writer.writerow([*_KEY, *FIELDS])
        for repeat in range(REPEATS):
            for name in TABLES:
                frame = read(folder, name)
                for fold, split in splits(frame["label"].to_numpy(), repeat):
                    for method in METHODS:
                        if (name, repeat, fold, method) in done:
                            continue
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")
                            work: Callable[..., np.ndarray] = dense if method in _MLP else plain
                            found = values(frame, split, work(method, frame, split, 5 * repeat + fold))
                        writer.writerow([name, repeat, fold, method, *(f"{found[key]:.4f}" for key in FIELDS)])
                        stream.flush()


_KEY = ["table", "repeat", "fold", "method"]


def interval(differences: np.ndarray, test_share: float = 1 / 3) -> tuple[float, float]:
    """Mean of paired differences over folds and half of its 95 % interval: the corrected resampled t interval, in which folds
    that share training rows count as the fewer that they are worth (Nadeau and Bengio 2003, section 3).

    Args:
        differences: one a fold, [n]
        test_share: test rows / training rows (here 20 and 60 %)
    """
    from scipy.stats import t

    count = len(differences)
    spread = np.sqrt(differences.var(ddof=1) * (1 / count + test_share))
    return float(differences.mean()), float(t.ppf(0.975, count - 1) * spread)


def summary(cells: pd.DataFrame) -> str:
    """A table of means over tables and folds, and of differences from the same model without sampling, as Markdown."""
    keys = ["table", "repeat", "fold"]
    per_repeat = cells.groupby(["table", "repeat"])["method"].count()
    whole = per_repeat[per_repeat == FOLDS * len(METHODS)].index
    cells = cells.set_index(["table", "repeat"]).loc[whole].reset_index()
    cells["balanced"] = (cells["recall"] + cells["specificity"]) / 2
    cells["balanced_at_half"] = (cells["recall_at_half"] + cells["specificity_at_half"]) / 2
    shown = ["auc", "average_precision", "brier", "recall", "specificity", "balanced", "balanced_at_half"]
    repeats = cells.groupby("table")["repeat"].nunique()
    lines = [
        f"{int(repeats.sum() * FOLDS)} folds of {len(repeats)} tables (at least {repeats.min()} repeats of five folds each).",
        "",
        "| method | AUC | average precision | Brier | recall | specificity | balanced accuracy | the same at .5 |",
        "| --- " * 8 + "|",
    ]
    means = cells.groupby(["method", "table"])[shown].mean().groupby("method").mean()
    lines += [
        f"| {method} | " + " | ".join(f"{means.loc[method, key]:.3f}" for key in shown) + " |" for method in METHODS
    ]
    changed = ["auc", "average_precision", "brier", "recall", "specificity", "balanced", "balanced_at_half"]
    lines += [
        "",
        "| against the same model without it | AUC | average precision | Brier | recall | specificity | balanced accuracy "
        "| the same at .5 |",
        "| --- " * 8 + "|",
    ]
    wide = cells.set_index([*keys, "method"])[changed].unstack("method")
    for method in METHODS:
        base = method.partition(" ")[0]
        if method != base:
            found = [
                interval((wide[key][method] - wide[key][base]).groupby(["repeat", "fold"]).mean().to_numpy())
                for key in changed
            ]
            lines.append(f"| {method} | " + " | ".join(f"{mean:+.3f} ± {half:.3f}" for mean, half in found) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "tables", type=Path, nargs="?", help="folder of the nine tables; without it only what is there is shown"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of cells.csv")
    options = parser.parse_args()
    if options.tables:
        measure(options.tables, options.out / "cells.csv")
    sys.stdout.write(summary(pd.read_csv(options.out / "cells.csv")) + "\n")


if __name__ == "__main__":
    main()
