"""Time of imbalkit's samplers in imbalanced-learn's pipeline, and of imbalanced-learn's in a plan, against the plain calls.

    python -m tests.benchmarks imbalanced_learn [--rows 100000] [--columns 20] [--repeats 15]

A pipeline is a sampler and scikit-learn's logistic regression, fitted. Each pair is timed in turn (A B A B) in one process; the
ratio is that of the medians, its interval the 95 % of a bootstrap over the repeats.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import numpy as np
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import Pipeline
from imblearn.under_sampling import EditedNearestNeighbours, RandomUnderSampler, TomekLinks
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from imbalkit.base.randomness import generator
from imbalkit.builtin.samplers import Imblearn
from imbalkit.plan import Plan
from imbalkit.sklearn import ImbalkitSampler
from tests.benchmarks._timing import alternate

Pairs = dict[str, tuple[Callable[[], object], Callable[[], object]]]


def main(arguments: list[str]) -> None:
    """Print a table: both times and the ratio of each pair."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks imbalanced_learn")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args(arguments)
    informative = options.columns // 2
    rows, labels = make_classification(
        options.rows, options.columns, n_informative=informative, weights=[0.95], flip_y=0.02, random_state=0
    )
    found = {**pipelines(rows, labels), **plans(rows.astype(np.float32), labels)}
    sys.stdout.write("| | imbalkit | plain | ratio (95 %) | of processor time |\n| --- | --- | --- | --- | --- |\n")
    for name, (ours, plain) in found.items():
        taken = alternate({"ours": ours, "plain": plain}, options.repeats + 1)
        clock = {key: [one.clock for one in times[1:]] for key, times in taken.items()}  # the first imports
        processor = {key: [one.processor for one in times[1:]] for key, times in taken.items()}
        seconds = (f"{np.median(clock[key]):.3f} s" for key in ("ours", "plain"))
        sys.stdout.write(f"| {name} | {' | '.join(seconds)} | {ratio(clock)} | {ratio(processor)} |\n")
        sys.stdout.flush()


def pipelines(rows: np.ndarray, labels: np.ndarray) -> Pairs:
    """imbalkit's samplers before a logistic regression, and imbalanced-learn's."""

    def fitted(sampler: object) -> Callable[[], object]:
        return lambda: Pipeline([("sample", sampler), ("model", LogisticRegression())]).fit(rows, labels)

    named = {"random_over": RandomOverSampler(random_state=0), "random_under": RandomUnderSampler(random_state=0)}
    return {
        **{
            f"pipeline, `{name}`": (fitted(ImbalkitSampler(name, random_state=0)), fitted(own))
            for name, own in named.items()
        },
        **{
            f"`fit_resample` alone, `{name}`": (
                lambda name=name: ImbalkitSampler(name, random_state=0).fit_resample(rows, labels),
                lambda own=own: own.fit_resample(rows, labels),
            )
            for name, own in named.items()
        },
    }


def plans(features: np.ndarray, labels: np.ndarray) -> Pairs:
    """The sampler `imblearn` on a plan, and the class itself; of a tenth of the rows where neighbours are searched."""
    few = len(labels) // 10
    pairs: Pairs = {}
    for own, count in (
        (RandomUnderSampler(random_state=0), len(labels)),
        (TomekLinks(), few),
        (EditedNearestNeighbours(), few),
    ):
        plan, name = Plan.from_labels(labels[:count], ["a", "b"]), type(own).__name__
        pairs[f"`{{name: imblearn, sampler: {name}}}`, {count:,} rows"] = (
            lambda plan=plan, name=name, count=count: Imblearn(sampler=name).resample(plan, features[:count], generator(0, "x")),
            lambda own=own, count=count: own.fit_resample(features[:count], labels[:count]),
        )  # fmt: skip
    return pairs


def ratio(times: dict[str, list[float]]) -> str:
    """Ratio of the medians and its interval."""
    ours, plain = np.array(times["ours"]), np.array(times["plain"])
    drawn = np.random.default_rng(0).integers(len(ours), size=(2000, len(ours)))
    low, high = np.quantile(np.median(ours[drawn], axis=1) / np.median(plain[drawn], axis=1), [0.025, 0.975])
    return f"{np.median(ours) / np.median(plain):.2f} ({low:.2f}, {high:.2f})"
