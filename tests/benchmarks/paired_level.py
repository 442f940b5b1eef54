"""How often the tests of `imbalkit compare` find a difference between two models that are equally good.

python -m tests.benchmarks paired_level [--simulations 2000] [--resamples 1000] [--better 0.5]

Two models see the same rows: what both see is `SHARED` of a score's variance, the rest is each model's own. With groups, rows
of one group share most of both parts, as photographs of one lesion do. A test keeps its level if it finds a difference in 5 %
of the simulations, or fewer. Row tests on grouped rows are shown for contrast: they do not. With --better the second model is
better by that much of a standard deviation, and the share is how often a test finds it.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import pandas as pd

from imbalkit.builtin.metrics import BalancedAccuracy, LogLoss, MissRate, RocAuc
from imbalkit.evaluation.paired import paired_tests
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import Predictions

APART = 1.5  # distance of the classes, in standard deviations of the score
SHARED = 0.5
ALIKE = 0.8  # of each part's variance, what rows of a group share
METRICS = (MissRate(), BalancedAccuracy(), RocAuc(), LogLoss())


def draw(
    rng: np.random.Generator, groups: np.ndarray, share: float = 0.2, better: float = 0.0
) -> dict[str, Predictions]:
    """Predictions of two models on the same rows; groups have one label, as lesions do. `better`: what the second has more
    of `APART`."""
    units = int(groups.max()) + 1
    labels = rng.permutation(np.arange(units) < round(share * units)).astype(np.int64)[groups]

    def part() -> np.ndarray:
        if units == len(groups):
            return rng.normal(size=len(groups))
        own, common = rng.normal(size=len(groups)), rng.normal(size=units)[groups]
        return ALIKE**0.5 * common + (1 - ALIKE) ** 0.5 * own

    both = SHARED**0.5 * part()
    found = {}
    for name, apart in (("first", APART), ("second", APART + better)):
        score = apart * (labels - 0.5) + both + (1 - SHARED) ** 0.5 * part()
        probabilities = softmax(np.stack([-score / 2, score / 2], axis=1))
        decisions = (probabilities[:, 1] >= 0.5).astype(np.int64)
        found[name] = Predictions(labels, probabilities, decisions, ("common", "rare"), 1)
    return found


def rejections(
    simulations: int,
    resamples: int,
    groups: np.ndarray,
    know_groups: bool = True,
    better: float = 0.0,
    seed: int = 0,
    level: float = 0.95,
) -> pd.Series:
    """Share of the simulations in which each test finds a difference, by (figure, test)."""
    settings = EvaluationSettings(resamples=resamples, level=level)
    known = groups if know_groups and len(np.unique(groups)) < len(groups) else None
    found = []
    for number in range(simulations):
        rng = np.random.default_rng([seed, number])
        tests = paired_tests(draw(rng, groups, better=better), METRICS, known, settings, seed=number)
        found.append((tests.set_index(["metric", "test"])["p"] < 1 - level).astype(float))
    return pd.concat(found, axis=1).mean(axis=1)


def main(arguments: list[str]) -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks paired_level")
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--better", type=float, default=0.0)
    options = parser.parse_args(arguments)
    cases = {
        "independent, 15 rows, 3 of the rare class": (np.arange(15), True),
        "independent, 25 rows, 5 of the rare class": (np.arange(25), True),
        "independent, 100 rows": (np.arange(100), True),
        "independent, 500 rows": (np.arange(500), True),
        "100 groups of 5": (np.arange(500) // 5, True),
        "30 groups of 10": (np.arange(300) // 10, True),
        "100 groups of 5, taken for independent rows": (np.arange(500) // 5, False),
    }
    for name, (groups, know) in cases.items():
        shares = rejections(options.simulations, options.resamples, groups, know, options.better)
        shares.to_frame(name).map("{:.1%}".format).to_string(sys.stdout)
        sys.stdout.write("\n\n")
        sys.stdout.flush()
