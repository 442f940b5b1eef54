"""How often the intervals of the evaluation hold the truth: rows that are independent, and rows of groups.

python -m tests.benchmarks coverage [--repeats 500] [--groups 0] [--rows 600] [--prevalence 0.13] [--shift 2.0]
python -m tests.benchmarks coverage --few [--repeats 500]

Each repeat draws test rows from a known process, decides at one threshold, and asks `interval_facts` for every default metric.
Rows of a group share part of their score and of their chance to be positive. The truth is the figure of a million rows.
Beside the coverage stands that of taking the rows of groups for independent. With --few (and without any option that says other
rows), one table of the coverage where the rare class has some eight to twenty rows, or groups.
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import NormalDist

import numpy as np

from imbalkit.builtin.metrics import METRICS
from imbalkit.evaluation.intervals import interval_facts
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.kinds import Predictions

FEW = ((400, 0, 0.02), (400, 0, 0.05), (40, 0, 0.2), (300, 60, 0.3), (150, 25, 0.3))  # rows, groups, prevalence
FEW_SHIFT = 1.2  # distance of the classes' scores in these


def main(arguments: list[str]) -> None:
    """Print a line a figure: its true value, coverage, how often the truth lies below and above, mean width; then `FEW`."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks coverage")
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--groups", type=int, default=0, help="groups that the rows belong to; 0: independent rows")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--prevalence", type=float, default=0.13)
    parser.add_argument("--shift", type=float, default=2.0, help="distance of the classes' scores")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--only", nargs="*", help="metrics (default: all)")
    parser.add_argument("--few", action="store_true", help="the table of few rows of the rare class alone")
    options = parser.parse_args(arguments)
    metrics = [part() for part in METRICS if not options.only or part.name in options.only]
    settings = EvaluationSettings(resamples=options.resamples)
    if not options.few:
        one_process(options, metrics, settings)
    if options.few or not arguments:
        few_rows(options.repeats, metrics, settings)


def one_process(options: argparse.Namespace, metrics: list, settings: EvaluationSettings) -> None:
    """A line a figure."""
    process = {"prevalence": options.prevalence, "shift": options.shift}
    whole = draw(np.random.default_rng(0), 1_000_000, 200_000 if options.groups else 0, **process)[0]
    truth = flat({metric.name: metric.compute(whole) for metric in metrics})
    found = {name: [] for name in truth}
    naive = {name: [] for name in truth}
    started = time.perf_counter()
    for seed in range(options.repeats):
        rows, groups = draw(np.random.default_rng([1, seed]), options.rows, options.groups, **process)
        for kept, of in ((found, groups), (naive, None))[: 2 if options.groups else 1]:
            for name, limits in flat(interval_facts(rows, metrics, of, settings, seed)).items():
                kept[name].append([np.nan if limit is None else limit for limit in limits])
    sys.stdout.write(
        f"{options.repeats} repeats of {options.rows} rows, {options.groups or 'no'} groups, prevalence "
        f"{options.prevalence}, shift {options.shift}, {options.resamples} resamples, "
        f"{time.perf_counter() - started:.0f} s\n"
        f"{'figure':34}{'truth':>8}{'inside':>8}{'below':>8}{'above':>8}{'none':>6}{'width':>8}  as if independent\n"
    )
    for name, value in truth.items():
        inside, below, above, none, width = summary(np.array(found[name]), value)
        blind = f"{summary(np.array(naive[name]), value)[0]:>8.3f}" if naive[name] else ""
        sys.stdout.write(
            f"{name:34}{value:>8.4f}{inside:>8.3f}{below:>8.3f}{above:>8.3f}{none:>6.0%}{width:>8.4f}{blind}\n"
        )


def few_rows(repeats: int, metrics: list, settings: EvaluationSettings) -> None:
    """A line a figure, a column each of FEW: the share of the intervals that holds the truth."""
    columns: dict[str, dict[str, float]] = {}
    for rows, groups, prevalence in FEW:
        process = {"prevalence": prevalence, "shift": FEW_SHIFT}
        whole = draw(np.random.default_rng(0), 1_000_000, 200_000 if groups else 0, **process)[0]
        truth = flat({metric.name: metric.compute(whole) for metric in metrics})
        found = {name: [] for name in truth}
        for seed in range(repeats):
            drawn, of = draw(np.random.default_rng([1, seed]), rows, groups, **process)
            for name, limits in flat(interval_facts(drawn, metrics, of, settings, seed)).items():
                found[name].append([np.nan if limit is None else limit for limit in limits])
        title = f"{rows}{f' in {groups} groups' if groups else ''}, {prevalence:.0%}"
        columns[title] = {name: summary(np.array(found[name]), value)[0] for name, value in truth.items()}
    sys.stdout.write(f"Share of {repeats} intervals that holds the truth: rows, share of them that is positive\n")
    sys.stdout.write(f"{'figure':34}" + "".join(f"{title:>24}" for title in columns) + "\n")
    for name in next(iter(columns.values())):
        sys.stdout.write(f"{name:34}" + "".join(f"{own[name]:>24.3f}" for own in columns.values()) + "\n")


def draw(
    rng: np.random.Generator, rows: int, groups: int, prevalence: float, shift: float
) -> tuple[Predictions, np.ndarray | None]:
    """Rows of a two-class test set; with groups, half of the variance of scores and of the labels' logits is the group's."""
    group = rng.integers(0, groups, rows) if groups else None
    shared = rng.normal(size=(2, groups))[:, group] if groups else rng.normal(size=(2, rows))
    own = rng.normal(size=(2, rows))
    leaning, noise = (shared + own) / np.sqrt(2)  # standard normal, correlated 1/2 within a group
    positives = leaning > NormalDist().inv_cdf(1 - prevalence)
    logit = shift * (noise + shift * positives - shift / 2) + np.log(prevalence / (1 - prevalence))  # calibrated
    probability = 1 / (1 + np.exp(-logit))
    decisions = (probability >= prevalence).astype(np.int64)
    probabilities = np.stack([1 - probability, probability], axis=1)
    return Predictions(positives.astype(np.int64), probabilities, decisions, ("other", "positive"), 1), group


def flat(figures: dict) -> dict:
    """Nested figures as "metric name"; an interval as (low, high)."""
    found = {}
    for name, value in figures.items():
        if isinstance(value, dict) and "method" in value:
            found[name] = (value["low"], value["high"])
        elif isinstance(value, dict):
            found |= {f"{name} {key}": item for key, item in flat(value).items()}
        else:
            found[name] = value
    return found


def summary(limits: np.ndarray, truth: float) -> tuple[float, float, float, float, float]:
    """Shares of intervals that hold the truth, lie above it, lie below it, or are not there; mean width."""
    known = limits[~np.isnan(limits).any(axis=1)]
    if not len(known):
        return np.nan, np.nan, np.nan, 1.0, np.nan
    low, high = known.T
    tiny = 1e-9
    below, above = (truth < low - tiny).mean(), (truth > high + tiny).mean()
    return 1 - below - above, below, above, 1 - len(known) / len(limits), (high - low).mean()
