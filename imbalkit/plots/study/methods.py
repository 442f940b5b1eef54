"""Runs by method: what belongs together, its name, and its rates.

A method is a recipe without its seed and its fold. Its runs are repeats: their test samples are pooled over folds, and
each fold's counts are averaged over seeds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from imbalkit.functional.proportions import wilson
from imbalkit.plan import balance_ratio
from imbalkit.plots.study.names import describe, settings
from imbalkit.plots.study.records import At, Outcome, RunRecord

METHOD, RUN = "method", "run"  # values of the column `mark`


def data(runs: Sequence[RunRecord], at: At = "chosen") -> pd.DataFrame:
    """Rates of two-class runs: a row for each method, followed by one for each of its runs if there are several.

    Columns: mark ("method" or "run"); method and label (its name, whole, and without loss and backbone); loss,
    treatment (samplers, and all else that differs) and backbone; run, fold and seed; at and threshold (mean over runs);
    folds (those tested, "0 1 2"; empty without folds), folds_of and seeds (mean number a fold); positive_class and
    negative_class; positives, misses, miss_rate, miss_low, miss_high; negatives, false_alarms, false_alarm_rate,
    false_alarm_low, false_alarm_high (shares in 0..1, with 95 % Wilson intervals over test samples); balance_ratio.
    """
    groups = group(runs)
    rows = []
    for names, members in zip(describe(groups), groups, strict=True):
        rows.append(
            {"mark": METHOD, **names, "run": members[0].name if len(members) == 1 else "", **_rates(members, at)}
        )
        if len(members) > 1:
            for run in members:
                rows.append({"mark": RUN, **names, "run": run.name, **_rates([run], at)})
    return pd.DataFrame(rows)


def group(runs: Iterable[RunRecord]) -> list[list[RunRecord]]:
    """Runs whose recipes differ by seed and fold only, in the order in which methods come first."""
    groups: dict[str, list[RunRecord]] = {}
    for run in runs:
        key = json.dumps([settings(run.recipe), dict(run.labels)], sort_keys=True)
        groups.setdefault(key, []).append(run)
    return list(groups.values())


def _rates(members: Sequence[RunRecord], at: At) -> dict[str, Any]:
    positive = members[0].positive or 0
    by_fold: dict[int, list[Outcome]] = {}
    for run in members:
        by_fold.setdefault(-1 if run.fold is None else run.fold, []).append(run.outcome(at))
    folds = sorted(by_fold)
    support, wrong = [0.0, 0.0], [0.0, 0.0]
    for outcomes in by_fold.values():
        for label in (0, 1):  # mean over the fold's seeds: they test the same samples
            support[label] += sum(outcome.support[label] for outcome in outcomes) / len(outcomes)
            wrong[label] += sum(outcome.wrong[label] for outcome in outcomes) / len(outcomes)
    single = members[0] if len(members) == 1 else None
    thresholds = [run.outcome(at).threshold for run in members]
    known = [threshold for threshold in thresholds if threshold is not None]  # none where costs decide
    rates: dict[str, Any] = {
        "fold": single.fold if single else None,
        "seed": single.recipe["seed"] if single else None,
        "at": at,
        "threshold": sum(known) / len(known) if known else None,
        "folds": "" if folds == [-1] else " ".join(map(str, folds)),
        "folds_of": members[0].folds if members[0].fold is not None else 1,
        "seeds": len(members) / len(folds),
        "positive_class": members[0].classes[positive],
        "negative_class": members[0].classes[1 - positive],
    }
    for name, total, count, label in (
        ("miss", "positives", "misses", positive),
        ("false_alarm", "negatives", "false_alarms", 1 - positive),
    ):
        low, high = wilson(wrong[label], support[label])
        share = wrong[label] / support[label] if support[label] else float("nan")
        rates |= {total: support[label], count: wrong[label], f"{name}_rate": share}
        rates |= {f"{name}_low": float(low), f"{name}_high": float(high)}
    counts = [sum(run.counts[label] for run in members) for label in (0, 1)]
    return rates | {"balance_ratio": balance_ratio(counts, positive)}
