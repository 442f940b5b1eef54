"""What the scikit-learn estimator costs: `fit` against `imbalkit.run` of the same recipe, `predict_proba` against plain torch.

python -m tests.benchmarks estimator [--rows 10000] [--new 100000] [--repeats 5]

Both alternate; what counts on a machine that others use too is the time of the processor.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import imbalkit
from imbalkit.sklearn import ImbalkitClassifier
from tests.benchmarks._timing import Taken, alternate

COLUMNS = 30
RECIPE = {
    "backbone": {"name": "mlp", "hidden": [64, 32]},
    "loss": "ce",
    "positive": "1",
    "training": {"epochs": 10, "accelerator": "cpu"},
    "decision": {"threshold": "youden", "prior": "data"},
}


def main(arguments: list[str]) -> None:
    """Print the processor seconds of each, and the ratio of the medians."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks estimator")
    parser.add_argument("--rows", type=int, default=10_000, help="to fit on")
    parser.add_argument("--new", type=int, default=100_000, help="to predict")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(options.rows, COLUMNS)), columns=[f"x{place}" for place in range(COLUMNS)])
    labels = (rows["x0"] + rng.normal(size=len(rows)) > 1.5).astype(int).to_numpy()
    with tempfile.TemporaryDirectory() as name:
        _show("fit", alternate(_fits(rows, labels, Path(name)), options.repeats + 1))
    model = ImbalkitClassifier(RECIPE).fit(rows.to_numpy(), labels)
    new = rng.normal(size=(options.new, COLUMNS))
    _show("predict_proba", alternate(_predictions(model, new), options.repeats + 1))


def _fits(rows: pd.DataFrame, labels: np.ndarray, folder: Path) -> dict[str, Callable[[], object]]:
    rows.assign(label=labels).to_csv(folder / "rows.csv", index=False)
    data = {"name": "features", "file": str(folder / "rows.csv")}
    recipe = {**RECIPE, "data": data, "split": {"test": 0}, "evaluation": {"test": False}}
    count = iter(range(1000))
    return {
        "imbalkit.run": lambda: imbalkit.run(recipe, folder=folder / str(next(count))),
        "estimator": lambda: ImbalkitClassifier(RECIPE).fit(rows, labels),
    }


def _predictions(model: ImbalkitClassifier, new: np.ndarray) -> dict[str, Callable[[], object]]:
    network = model._network.restored.network
    columns = model._network.restored.encoding.columns
    mean, std = (np.array([getattr(column, name) for column in columns]) for name in ("mean", "std"))

    def plain() -> np.ndarray:
        found = np.stack([np.clip((new - mean) / std, -10, 10), np.isnan(new)], axis=2).reshape(len(new), -1)
        with torch.inference_mode():
            pictures = torch.zeros(len(new), 0, 1, 1)
            return torch.softmax(network(pictures, torch.from_numpy(found.astype(np.float32))).double(), 1).numpy()

    found = model.predict_proba(new)
    order = np.argsort(plain()[:, 1])
    assert (np.diff(found[order, 1]) > -1e-6).all()  # the same network, before its prior is restored
    return {"plain torch": plain, "estimator": lambda: model.predict_proba(new)}


def _show(what: str, taken: dict[str, list[Taken]]) -> None:
    medians = {name: statistics.median(one.processor for one in times[1:]) for name, times in taken.items()}
    first, second = medians.values()
    words = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in medians.items())
    sys.stdout.write(f"{what}: {words} of the processor, ratio {second / first:.2f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
