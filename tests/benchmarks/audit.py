"""Labels flipped on purpose: how many of them `imbalkit audit` and `loss_rank` name, and how many others.

imbalkit embed recipe.yaml --out features.parquet
python -m tests.benchmarks audit features.parquet [--labels labels.csv --column dx] [--flip 0.05] [--seed 0] [--epochs 10]

The first principal components of frozen features, of whose rows a share gets another class, drawn evenly; then the audit of a
recipe with the backbone `mlp`, five folds. Precision and recall against the known flips, at the number that confident learning
names, and the average precision of the whole ranking.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from imbalkit.studies.audit import audit


def main(arguments: list[str]) -> None:
    """Print a line for each way of ranking."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks audit")
    parser.add_argument("features", type=Path)
    parser.add_argument("--labels", type=Path, help="a table with other labels, in the order of the rows")
    parser.add_argument("--column", default="dx")
    parser.add_argument("--flip", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument(
        "--components", type=int, default=64, help="principal components that the features are reduced to"
    )
    options = parser.parse_args(arguments)
    frame = pd.read_parquet(options.features)
    labels = frame["label"] if options.labels is None else pd.read_csv(options.labels)[options.column][frame["source"]]
    true = labels.to_numpy(str)
    given = flipped(true, options.flip, options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features = PCA(options.components, random_state=0).fit_transform(frame.filter(like="feature_"))
        columns = pd.DataFrame(features, columns=[f"component_{number}" for number in range(options.components)])
        columns.assign(label=given).to_parquet(folder / "flipped.parquet")
        recipe = {
            "data": {"name": "features", "file": str(folder / "flipped.parquet")},
            "backbone": "mlp",
            "training": {"epochs": options.epochs, "batch_size": 128, "accelerator": "cpu", "threads": 1},
            "split": {"folds": 5},
            "seed": options.seed,
        }
        rows = audit(recipe, folder / "audit", runs=folder).rows.sort_values("sample")
    wrong = (true != given)[rows["sample"]]
    flagged = rows["label_issue"].to_numpy(bool)
    by_loss = rows["loss"].to_numpy()
    print_line("confident learning", flagged, rows["suspicion"].to_numpy(), wrong)
    print_line("loss_rank, as many", rows["loss_rank"].to_numpy(bool), by_loss, wrong)
    for label, count in zip(*np.unique(given, return_counts=True), strict=True):
        of = (given == label)[rows["sample"]]
        sys.stdout.write(f"labelled {label}: {count} rows\n")
        print_line("  confident learning", flagged & of, rows["suspicion"].to_numpy(), wrong & of)
        print_line("  loss_rank", rows["loss_rank"].to_numpy(bool) & of, by_loss, wrong & of)


def flipped(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Labels of which a share is another class, drawn evenly among the others, whatever its rows."""
    random = np.random.default_rng(seed)
    classes, codes = np.unique(labels, return_inverse=True)
    rows = random.choice(len(labels), round(share * len(labels)), replace=False)
    codes[rows] = (codes[rows] + random.integers(1, len(classes), len(rows))) % len(classes)
    return classes[codes]


def print_line(name: str, named: np.ndarray, ranked: np.ndarray, wrong: np.ndarray) -> None:
    """Named, precision, recall, and of the ranking its average precision."""
    from sklearn.metrics import average_precision_score

    hits, total = int((named & wrong).sum()), int(named.sum())
    precision, recall = hits / max(1, total), hits / max(1, int(wrong.sum()))
    area = average_precision_score(wrong, ranked) if wrong.any() else float("nan")
    sys.stdout.write(
        f"{name:22} {total:5} named, {hits:4} of {int(wrong.sum())} flips: precision {precision:.3f}, recall {recall:.3f}; "
        f"average precision of the ranking {area:.3f}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
