"""Figures, intervals and paired tests of the study in docs/reproduction.md, from the results of its sweep.

imbalkit sweep docs/reproduction/study.yaml --folder docs/reproduction/sweep --resume
python -m tests.benchmarks reproduction

The same with another network: docs/reproduction/lite0/study.yaml, then `--study docs/reproduction/lite0`.

Every photograph is tested once a seed. Rows are resampled 2,000 times within fold and class, the same rows for every
method, so that differences to the baseline are paired; intervals are percentiles, p-values two-sided and corrected by Holm.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from imbalkit.base.text import slug
from imbalkit.functional.bootstrap import draw_weights, mean_of, percentile_interval, two_sided_p
from imbalkit.functional.ranking import miss_rate_at, roc_auc

ROOT = Path(__file__).parents[2] / "docs" / "reproduction"
POSITIVE, NEGATIVE, BASELINE, RESAMPLES = "melanoma", "other", "BL", 2000
CONTROLS = {  # method -> what it differs from in one thing alone
    "BL + BLUR": "BL + copies without blur",
    "BL + BLUR ": "BL + copies with Gaussian blur",
    "BL + UNDER": "BL + random drop",
    "BL + UNDER, equal steps": "BL + random drop, equal steps",
    "BL + BLUR + UNDER": "BL + BLUR + random drop",
}


def figures(rows: pd.DataFrame, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Each figure for every row of weights [k]; the mean over seeds and, for rankings, over folds."""
    by_seed: dict[str, list[np.ndarray]] = {}
    for _, seed in rows.groupby("seed"):
        positives = (seed["label"] == POSITIVE).to_numpy()
        scores = (seed[f"logit_{POSITIVE}"] - seed[f"logit_{NEGATIVE}"]).to_numpy(np.float64)
        ranked = [(seed["fold"] == fold).to_numpy() for fold in sorted(seed["fold"].unique())]
        of_folds = [(positives[own], scores[own], weights[:, own]) for own in ranked]
        found = {
            "roc_auc": np.mean([roc_auc(*fold) for fold in of_folds], axis=0),
            "miss_rate_at_20": np.mean([miss_rate_at(*fold, 0.2) for fold in of_folds], axis=0),
        }
        for at, called in (("half", scores >= 0), ("chosen", (seed["decision"] == POSITIVE).to_numpy())):
            hits, passes = np.where(positives, called, np.nan), np.where(positives, np.nan, ~called)
            found[f"melanoma_recall_{at}"] = mean_of(hits, weights)
            found[f"other_recall_{at}"] = mean_of(passes, weights)
            found[f"balanced_accuracy_{at}"] = (found[f"melanoma_recall_{at}"] + found[f"other_recall_{at}"]) / 2
        for name, values in found.items():
            by_seed.setdefault(name, []).append(values)
    return {name: np.mean(values, axis=0) for name, values in by_seed.items()}


def holm(p_values: pd.Series) -> pd.Series:
    """Holm's correction (1979) of a family of p-values."""
    order = p_values.sort_values().index
    corrected = pd.Series(index=p_values.index, dtype=float)
    largest = 0.0
    for rank, name in enumerate(order):
        largest = max(largest, min(1.0, p_values[name] * (len(order) - rank)))
        corrected[name] = largest
    return corrected


def spread(rows: pd.DataFrame, over: str, other: str) -> dict[str, float]:
    """Standard deviation of each figure over folds of its mean over seeds, or the other way round; NaN of one."""
    values = []
    for _, part in rows.groupby(over):
        means = [figures(own, np.ones((1, len(own)))) for _, own in part.groupby(other)]
        values.append({name: np.mean([mean[name][0] for mean in means]) for name in means[0]})
    frame = pd.DataFrame(values)
    return frame.std(ddof=1).to_dict() if len(frame) > 1 else dict.fromkeys(frame, np.nan)


def compare(folder: Path, pairs: Sequence[Sequence[str]] = ()) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Figures of each method; its differences to the baseline, and of methods to their controls and in further pairs."""
    cells = pd.read_parquet(folder / "sweep.parquet")
    finished = cells[cells["state"] == "finished"]
    methods = list(dict.fromkeys(finished["method"]))
    predictions = {method: pd.read_parquet(folder / "predictions" / f"{slug(method)}.parquet") for method in methods}
    folds = predictions[BASELINE]["fold"].nunique()
    whole = [method for method in methods if predictions[method]["fold"].nunique() == folds]
    rng = np.random.default_rng(0)
    first = predictions[BASELINE][predictions[BASELINE]["seed"] == predictions[BASELINE]["seed"].min()]
    strata = first["fold"].to_numpy() * 2 + (first["label"] == POSITIVE).to_numpy()
    weights = draw_weights(len(first), RESAMPLES, rng, strata)
    ones = np.ones((1, len(first)))

    resampled = {method: figures(predictions[method], weights) for method in whole}
    table = []
    for method in whole:
        rows = predictions[method]
        of_seeds = rows.groupby("seed")["source"].agg(list)
        if any(sources != first["source"].tolist() for sources in of_seeds):
            raise SystemExit(f"{method}: not every photograph was tested once a seed; resume the sweep")
        point = figures(rows, ones)
        folds_sd, seeds_sd = spread(rows, "fold", "seed"), spread(rows, "seed", "fold")
        own = finished[finished["method"] == method]
        entry = {
            "method": method,
            "seeds": rows["seed"].nunique(),
            "rows": own[[f"trained_{NEGATIVE}", f"trained_{POSITIVE}"]].sum(axis=1).mean(),
            "balance_ratio": own["balance_ratio"].mean(),
            "hours": own["seconds"].sum() / 3600,
        }
        for name, values in point.items():
            low, high = percentile_interval(resampled[method][name])
            entry |= {name: values[0], f"{name} low": low, f"{name} high": high}
            entry |= {f"{name} sd folds": folds_sd[name], f"{name} sd seeds": seeds_sd[name]}
        table.append(entry)
    points = {method: figures(predictions[method], ones) for method in whole}

    def differences(pairs: list[tuple[str, str]]) -> pd.DataFrame:
        found = []
        for method, other in pairs:
            change = {"method": method, "against": other}
            for name, value in points[method].items():
                apart = resampled[method][name] - resampled[other][name]
                low, high = percentile_interval(apart)
                change |= {name: value[0] - points[other][name][0], f"{name} low": low, f"{name} high": high}
                change[f"{name} p"] = two_sided_p(apart)
            change["mcnemar p"] = mcnemar(predictions[method], predictions[other])
            found.append(change)
        changes = pd.DataFrame(found)
        for column in [column for column in changes if column.endswith(" p")]:
            changes[f"{column} holm"] = holm(changes[column])
        return changes

    to_baseline = differences([(method, BASELINE) for method in whole if method != BASELINE])
    controls = [(method.strip(), other) for method, other in CONTROLS.items() if {method.strip(), other} <= set(whole)]
    controls += [(method, other) for method, other in pairs]
    return pd.DataFrame(table), pd.concat([to_baseline, differences(controls)] if controls else [to_baseline])


def mcnemar(rows: pd.DataFrame, baseline: pd.DataFrame) -> float:
    """Exact McNemar test on the melanomas found at one half, of the first seed."""
    found = []
    for frame in (rows, baseline):
        own = frame[(frame["seed"] == frame["seed"].min()) & (frame["label"] == POSITIVE)].sort_values("source")
        found.append((own[f"logit_{POSITIVE}"] >= own[f"logit_{NEGATIVE}"]).to_numpy())
    gained, lost = int((found[0] & ~found[1]).sum()), int((~found[0] & found[1]).sum())
    return binomtest(gained, gained + lost).pvalue if gained + lost else 1.0


SHOWN = {
    "roc_auc": "AUC",
    "balanced_accuracy_half": "balanced accuracy at 0.5",
    "melanoma_recall_half": "melanoma recall at 0.5",
    "other_recall_half": "other recall at 0.5",
    "miss_rate_at_20": "miss rate at 20 % false alarms",
    "melanoma_recall_chosen": "melanoma recall, chosen threshold",
    "other_recall_chosen": "other recall, chosen threshold",
}


def markdown(table: pd.DataFrame, digits: int = 3) -> str:
    """Figures with their intervals, for the page."""
    lines = ["| method | " + " | ".join(SHOWN.values()) + " |", "| --- " * (len(SHOWN) + 1) + "|"]
    for _, row in table.iterrows():
        cells = [
            f"{row[name]:+.{digits}f} [{row[f'{name} low']:+.{digits}f}, {row[f'{name} high']:+.{digits}f}]"
            + (f" p {row[f'{name} p holm']:.3f}" if f"{name} p holm" in row else "")
            if f"{name} p" in row
            else f"{row[name]:.{digits}f} [{row[f'{name} low']:.{digits}f}, {row[f'{name} high']:.{digits}f}]"
            for name in SHOWN
        ]
        name = row["method"] + (f" − {row['against']}" if "against" in row else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Write figures.csv and differences.csv beside the sweep, and print both as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks reproduction")
    parser.add_argument("--study", type=Path, default=ROOT, help="folder that has the results of the sweep in sweep/")
    parser.add_argument(
        "--pair", nargs=2, action="append", default=[], metavar=("METHOD", "OTHER"), help="compare these as well"
    )
    given = parser.parse_args(arguments)
    study = given.study
    table, changes = compare(study / "sweep", given.pair)
    table.to_csv(study / "figures.csv", index=False, float_format="%.5g")
    changes.to_csv(study / "differences.csv", index=False, float_format="%.5g")
    note = f"Differences, with p-values after Holm (those to {BASELINE}, and the others):"
    sys.stdout.write(f"{markdown(table)}\n{note}\n\n{markdown(changes)}")
