"""Labels flipped on purpose: how many of them `imbalkit audit` and `loss_rank` name, and how many others (docs/audit.md).

imbalkit embed recipe.yaml --out features.parquet
python -m tests.benchmarks audit features.parquet [--labels labels.csv --column dx] [--flip 0.05] [--to even] [--seeds 5]
    [--logistic] [--out cells.csv]

The first principal components of frozen features, of whose rows a share gets another class: drawn evenly, or (`--to confused`)
the one that logistic regression takes its class for most often. Then the audit of a recipe with the backbone `mlp`, five folds
that keep groups together, and confident learning on logistic regression instead (`--logistic`: that alone, in seconds).

Precision and recall against the known flips of as many rows as confident learning names, and the average precision of the whole
ranking; means over seeds with 95 % intervals (Student's t). Labels that were wrong before are unknown: a row that is named and
not flipped counts as a false alarm.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WAYS = ("confident learning", "loss_rank", "confident learning, logistic regression")
FOLDS = 5


def main(arguments: list[str]) -> None:
    """Print a table of means over seeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks audit")
    parser.add_argument("features", type=Path)
    parser.add_argument("--labels", type=Path, help="a table with other labels, in the order of the rows")
    parser.add_argument("--column", default="dx")
    parser.add_argument("--flip", type=float, default=0.05)
    parser.add_argument("--to", choices=("even", "confused"), default="even", help="which class a flipped row gets")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--components", type=int, default=128, help="principal components of the features")
    parser.add_argument("--logistic", action="store_true", help="logistic regression alone: no network, no loss_rank")
    parser.add_argument("--out", type=Path, help="a CSV file for a line a seed and way")
    options = parser.parse_args(arguments)
    frame = pd.read_parquet(options.features)
    labels = frame["label"] if options.labels is None else pd.read_csv(options.labels)[options.column][frame["source"]]
    columns = components(frame, options.components)
    true = labels.to_numpy(str)
    targets = most_confused(columns, true) if options.to == "confused" else None
    cells: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        given = flipped(true, options.flip, seed, targets)
        cells += [] if options.logistic else measured(columns, true, given, seed, options.epochs)
        cells.append(logistic(columns, true, given, seed))
        for cell in cells[-3:] if not options.logistic else cells[-1:]:
            sys.stdout.write(f"{cell}\n")
        sys.stdout.flush()
    found = pd.DataFrame(cells)
    if options.out is not None:
        found.to_csv(options.out, index=False, float_format="%.4f")
    sys.stdout.write(table(found) + "\n")


def components(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first principal components of features, and the groups where there are some."""
    from sklearn.decomposition import PCA

    values = PCA(count, random_state=0).fit_transform(frame.filter(like="feature_"))
    found = pd.DataFrame(values, columns=[f"component_{number}" for number in range(count)])
    return found.assign(group=frame["group"].to_numpy()) if "group" in frame else found


def flipped(labels: np.ndarray, share: float, seed: int, targets: np.ndarray | None = None) -> np.ndarray:
    """Labels of which a share is another class: of each class that in `targets`, else drawn evenly, whatever its rows."""
    random = np.random.default_rng(seed)
    classes, codes = np.unique(labels, return_inverse=True)
    rows = random.choice(len(labels), round(share * len(labels)), replace=False)
    if targets is not None:
        codes[rows] = targets[codes[rows]]
    else:
        codes[rows] = (codes[rows] + random.integers(1, len(classes), len(rows))) % len(classes)
    return classes[codes]


def out_of_fold(columns: pd.DataFrame, labels: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities [n, C] of logistic regression on standardised columns, by stratified folds that keep groups together."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    groups = columns["group"].to_numpy() if "group" in columns else np.arange(len(columns))
    return cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)),
        columns.drop(columns="group", errors="ignore"),
        labels,
        groups=groups,
        cv=StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed),
        method="predict_proba",
    )


def most_confused(columns: pd.DataFrame, labels: np.ndarray) -> np.ndarray:
    """Of each class code the other one that its rows are taken for most often, int [C]."""
    from sklearn.metrics import confusion_matrix

    classes = np.unique(labels)
    taken = confusion_matrix(labels, classes[out_of_fold(columns, labels, 0).argmax(axis=1)])
    np.fill_diagonal(taken, -1)
    sys.stdout.write(
        ", ".join(f"{a} to {b}" for a, b in zip(classes, classes[taken.argmax(axis=1)], strict=True)) + "\n"
    )
    return taken.argmax(axis=1)


def logistic(columns: pd.DataFrame, true: np.ndarray, given: np.ndarray, seed: int) -> dict[str, Any]:
    """The line of confident learning on logistic regression."""
    from imbalkit.studies.audit.findings import label_issues

    issues = label_issues(np.unique(given, return_inverse=True)[1], out_of_fold(columns, given, seed))
    return {"seed": seed, "way": WAYS[2], **figures(issues.flagged, 1 - issues.quality, true != given)}


def measured(
    columns: pd.DataFrame, true: np.ndarray, given: np.ndarray, seed: int, epochs: int
) -> list[dict[str, Any]]:
    """A line for each way: rows named, flips, precision, recall and average precision."""
    import imbalkit.report
    from imbalkit.studies.audit import audit

    imbalkit.report.write_report = lambda *given: Path()  # it takes longer than the training
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        columns.assign(label=given).to_parquet(folder / "flipped.parquet")
        group = {"group_column": "group"} if "group" in columns else {}
        recipe = {
            "data": {"name": "features", "file": str(folder / "flipped.parquet"), **group},
            "backbone": {"name": "mlp", "hidden": [128], "dropout": 0.3},
            "training": {
                "epochs": epochs,
                "batch_size": 128,
                "monitor": "last",
                "accelerator": "cpu",
                "threads": 1,
            },
            "evaluation": {"resamples": 0},
            "split": {"folds": FOLDS, "validation": 0.1},
            "seed": seed,
        }
        rows = audit(recipe, folder / "audit", runs=folder).rows.sort_values("sample")
    wrong = (true != given)[rows["sample"]]
    named = (rows["label_issue"].to_numpy(bool), rows["loss_rank"].to_numpy(bool))
    ranked = (rows["suspicion"].to_numpy(), rows["loss"].to_numpy())
    return [
        {"seed": seed, "way": way, **figures(flags, scores, wrong)}
        for way, flags, scores in zip(WAYS[:2], named, ranked, strict=True)
    ]


def figures(named: np.ndarray, ranked: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """Of rows named and of a ranking (higher: more suspect), against the flips."""
    from sklearn.metrics import average_precision_score

    hits, total = int((named & wrong).sum()), int(named.sum())
    return {
        "named": total,
        "flips": int(wrong.sum()),
        "precision": hits / max(1, total),
        "recall": hits / max(1, int(wrong.sum())),
        "average_precision": float(average_precision_score(wrong, ranked)),
    }


def table(cells: pd.DataFrame) -> str:
    """Means over seeds with intervals, and of the differences seed by seed, as Markdown."""
    shown = ["named", "precision", "recall", "average_precision"]
    lines = ["| rows named by | " + " | ".join(shown) + " |", "| --- " * (len(shown) + 1) + "|"]
    of = {way: part.set_index("seed") for way, part in cells.groupby("way", sort=False)}
    for way, part in of.items():
        lines.append(_line(str(way), [part[name] for name in shown]))
    first, *others = of
    for way in others:
        lines.append(_line(f"{way!s}, less {first!s}", [of[way][name] - of[first][name] for name in shown], "+"))
    return "\n".join(lines)


def _line(head: str, values: list[pd.Series], sign: str = "") -> str:
    texts = [_mean(value, f"{sign}{'.0f' if value.name == 'named' else '.3f'}") for value in values]
    return f"| {head} | " + " | ".join(texts) + " |"


def _mean(values: pd.Series, text: str) -> str:
    from scipy.stats import t

    half = (
        t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    )
    return f"{values.mean():{text}} ± {half:{text.lstrip('+')}}"


if __name__ == "__main__":
    main(sys.argv[1:])
