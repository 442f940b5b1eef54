"""Recipes run over seeds, with the mean, spread and 95 % t interval of their test figures.

python -m tests.benchmarks study digits
python -m tests.benchmarks study ham10000

Finished cells are kept in a CSV under docs/results, so that a study goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from scipy.stats import t

ROOT = Path(__file__).parents[2]


def digits() -> tuple[str, list[int], dict[str, list[str]]]:
    """Digits at imbalance 50: ce against each sampler and each loss."""
    none, recall = "samplers=[]", "{name: %s, %s}"
    blur = "{name: radial_blur, rho: [0.05, 0.2]}"
    views = "{" + ", ".join(f"'{digit}': [[{blur}]]" for digit in range(4, 10)) + "}"
    targets = "{" + ", ".join(f"'{digit}': 104" for digit in range(4, 10)) + "}"
    cells = {
        "ce": [none],
        "ce, random_over": [],
        "ce, random_under": ["samplers=[{name: random_under, to: 10}]"],
        "ce, oversample (radial blur)": [f"samplers=[{{name: oversample, views: {views}, to: {targets}}}]"],
        "ce, loss_rank (drop 10 of the largest)": [
            "samplers=[{name: loss_rank, drop: 10, which: highest, rounds: 1, epochs: 4, warm_start: false}]"
        ],
        "ce, random_drop (10 of the largest)": [
            "samplers=[{name: random_drop, drop: 10, which: highest, warm_start: false}]"
        ],
        "weighted_ce (weight 5 on 5 to 9)": [none, "loss={name: weighted_ce, weights: {5: 5, 6: 5, 7: 5, 8: 5, 9: 5}}"],
        "inverse_ce": [none, "loss=inverse_ce"],
        "focal (gamma 2)": [none, "loss={name: focal, gamma: 2}"],
        "rce (batch)": [none, "loss=" + recall % ("rce", "estimator: batch")],
        "rce (ema)": [none, "loss=" + recall % ("rce", "estimator: ema")],
        "rce (epoch)": [none, "loss=" + recall % ("rce", "estimator: epoch")],
        "gamma_rce (ema, cost 5 on 8 and 9)": [
            none,
            "loss=" + recall % ("gamma_rce", "estimator: ema, costs: {8: 5, 9: 5}"),
        ],
    }
    # Another seed draws other rows to keep as well as other weights.
    return "examples/digits.yaml", [0, 1, 2, 3, 4], {name: [*cell, "data.seed=SEED"] for name, cell in cells.items()}


def ham10000() -> tuple[str, list[int], dict[str, list[str]]]:
    """Melanoma photographs: ce against gamma_rce, as the example has them, at one half and at the chosen threshold."""
    return "examples/ham10000.yaml", [0, 1, 2], {"ce": ["loss=ce"], "gamma_rce (cost 10)": []}


def figures(metrics: dict[str, Any]) -> dict[str, float]:
    """The figures of a run that the study keeps."""
    test, half = metrics["test"], metrics.get("test_at_one_half") or metrics["test"]
    kept = {"roc_auc": test["roc_auc"], "pr_auc": test["pr_auc"], "balanced_accuracy": half["balanced_accuracy"]}
    recall = half["recall"]
    if len(recall) > 2:
        kept |= {"recall_8_9": (recall["8"] + recall["9"]) / 2, "worst_class_recall": half["worst_class_recall"]}
        return kept
    kept |= {f"recall_{name}": value for name, value in recall.items()}
    return kept | {f"chosen_recall_{name}": value for name, value in test["recall"].items()}


def main(arguments: list[str]) -> None:
    """Run what is not in the CSV yet, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks study")
    parser.add_argument("name", choices=["digits", "ham10000"])
    recipe, seeds, cells = globals()[parser.parse_args(arguments).name]()
    path = ROOT / "docs" / "results" / f"{parser.parse_args(arguments).name}.csv"
    rows = list(csv.DictReader(path.open())) if path.exists() else []
    done = {(row["cell"], int(row["seed"])) for row in rows}
    from imbalkit import run
    from imbalkit.base.files import read_json
    from imbalkit.base.progress import Lines

    for seed in seeds:
        for name, overrides in cells.items():
            if (name, seed) in done:
                continue
            changed = [override.replace("SEED", str(seed)) for override in overrides]
            with tempfile.TemporaryDirectory() as runs:
                folder = run(ROOT / recipe, [f"seed={seed}", *changed], runs=runs, progress=Lines())
                result = figures(read_json(folder / "metrics.json"))
            rows.append({"cell": name, "seed": seed, **{key: round(value, 5) for key, value in result.items()}})
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[-1]))
                writer.writeheader()
                writer.writerows(rows)
    sys.stdout.write(table(rows) + "\n")


def table(rows: list[dict[str, Any]]) -> str:
    """Mean ± standard deviation [95 % t interval of the mean] of each figure, as Markdown."""
    names = [name for name in rows[0] if name not in ("cell", "seed")]
    lines = ["| | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    for cell in dict.fromkeys(row["cell"] for row in rows):
        texts = []
        for name in names:
            values = [float(row[name]) for row in rows if row["cell"] == cell]
            mean, spread = statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else float("nan")
            half = t.ppf(0.975, len(values) - 1) * spread / len(values) ** 0.5 if len(values) > 1 else float("nan")
            # All of these figures lie in 0..1, which a t interval does not know.
            low, high = max(0.0, mean - half), min(1.0, mean + half)
            texts.append(f"{mean:.3f} ± {spread:.3f} [{low:.3f}, {high:.3f}]")
        lines.append(f"| {cell} | " + " | ".join(texts) + " |")
    return "\n".join(lines)
