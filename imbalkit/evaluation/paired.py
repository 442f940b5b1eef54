"""Metrics of several runs with intervals, and the paired tests between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.randomness import generator
from imbalkit.evaluation.intervals import interval_facts
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.functional.bootstrap import UNDEFINED, percentile_interval, two_sided_p, weight_blocks
from imbalkit.functional.paired import (
    Difference,
    cluster_permutation,
    delong_test,
    expanded_level,
    expanded_p,
    holm,
    mcnemar,
    paired_share_interval,
    students_difference,
)
from imbalkit.functional.proportions import degenerate_interval
from imbalkit.kinds import Metric, Predictions, ShareMetric

NAN = float("nan")
BEYOND = 5  # resamples beyond each limit that a percentile needs
NO_INTERVAL = {"low": None, "high": None, "method": None}


def metric_rows(
    run: str,
    predictions: Predictions,
    metrics: Sequence[Metric],
    groups: np.ndarray | None,
    settings: EvaluationSettings,
    seed: int,
) -> pd.DataFrame:
    """Every metric of a run with its interval, NaN without resamples: columns as `Comparison.metrics`."""
    intervals = interval_facts(predictions, metrics, groups, settings, seed)
    rows = []
    for metric in metrics:
        values, own = _by_class(metric.compute(predictions)), intervals.get(metric.name)
        limits = dict.fromkeys(values, NO_INTERVAL) if own is None else {"": own} if list(values) == [""] else own
        for name, value in values.items():
            low, high = (np.nan if limits[name][end] is None else limits[name][end] for end in ("low", "high"))
            row = {"run": run, "metric": metric.name, "class": name, "value": value}
            rows.append({**row, "low": low, "high": high, "method": limits[name]["method"]})
    return pd.DataFrame(rows)


def paired_tests(
    predictions: Mapping[str, Predictions],
    metrics: Sequence[Metric],
    groups: np.ndarray | None,
    settings: EvaluationSettings,
    seed: int,
) -> pd.DataFrame:
    """The first run against each other one: columns as `Comparison.tests`, the test that decides first."""
    (reference, base), *others = predictions.items()
    drawn = _resampled(predictions, metrics, groups, settings.resamples, seed)
    rows = []
    for metric in metrics:
        before = _by_class(metric.compute(base))
        for run, found in others:
            for name, value in _by_class(metric.compute(found)).items():
                difference = value - before[name]
                row: dict[str, Any] = {"run": run, "reference": reference, "metric": metric.name, "class": name}
                row |= {"value": value, "reference_value": before[name], "difference": difference}
                up = difference > 0
                row["better"] = (
                    (up == metric.higher_is_better_of(name)) if up or difference < 0 else None
                )  # None: equal, or not defined
                apart = drawn[run][metric.name, name] - drawn[reference][metric.name, name]
                for test, result in _results(metric, name, base, found, groups, apart, settings.level).items():
                    rows.append({**row, "low": result.low, "high": result.high, "test": test, "p": result.p})
    frame = pd.DataFrame(rows).astype({"better": object})
    of_one_kind = frame.groupby(["metric", "class", "test"], sort=False)["p"]
    frame["p_holm"] = of_one_kind.transform(lambda p: holm(p.to_numpy()))
    return frame


def _results(
    metric: Metric,
    name: str,
    base: Predictions,
    found: Predictions,
    groups: np.ndarray | None,
    apart: np.ndarray,
    level: float,
) -> dict[str, Difference]:
    """Every test of one metric, by name: the exact one or DeLong's where there is one, then the bootstrap; of a
    metric without intervals the difference alone.

    `apart` is the difference in each resample.
    """
    value = _by_class(metric.compute(found))[name] - _by_class(metric.compute(base))[name]
    resampling = "bootstrap" if groups is None else "cluster bootstrap"
    if not metric.has_interval:  # nor has a difference of two: calibration error is larger in every resample
        return {resampling: Difference(value, np.nan, np.nan, np.nan)}
    hits, others, counted = _share(metric, name, base, found)
    units = np.arange(len(base.labels)) if groups is None else groups
    if counted is None:
        fewest = min(len(np.unique(units[base.labels == code])) for code in np.unique(base.labels))
        behind = metric.units(base, units)
    else:
        fewest = behind = len(np.unique(units[counted]))
    spread = _bootstrap(value, apart, behind, fewest, level, metric.bounds_of(name))
    tests: dict[str, Difference] = {}
    if counted is not None and groups is None:
        low, high = paired_share_interval(hits[counted], others[counted], level)
        tests["McNemar"] = Difference(value, low, high, mcnemar(hits[counted], others[counted]))
    elif counted is not None and groups is not None:
        p = cluster_permutation(hits[counted], others[counted], groups[counted])
        tests["cluster permutation"] = replace(spread, p=p)
    elif metric.is_roc_auc and base.positive is not None and groups is None:
        before, after = (each.probabilities[:, base.positive] for each in (base, found))
        tests["DeLong"] = delong_test(base.labels == base.positive, before, after, level)
    return tests | {resampling: spread}


def _share(metric: Metric, name: str, base: Predictions, found: Predictions) -> tuple[Any, Any, Any]:
    """Hits of both runs and the rows that are counted, bool [n]; None each where the metric is no share of the same rows."""
    if not isinstance(metric, ShareMetric):
        return None, None, None
    (hits, counted), (others, same) = (
        pair[name] if isinstance(pair, Mapping) else pair for pair in (metric.shares(base), metric.shares(found))
    )
    alike = counted.any() and np.array_equal(counted, same)  # precision, say, counts other rows in each run
    return (hits, others, counted) if alike else (None, None, None)


def _resampled(
    predictions: Mapping[str, Predictions],
    metrics: Sequence[Metric],
    groups: np.ndarray | None,
    resamples: int,
    seed: int,
) -> dict[str, dict[tuple[str, str], np.ndarray]]:
    """Every metric of every run in each resample, [resamples] by (metric, class); the same rows are drawn for all runs."""
    n = len(next(iter(predictions.values())).labels)
    parts: dict[str, dict[tuple[str, str], list[np.ndarray]]] = {run: {} for run in predictions}
    for weights in weight_blocks(n, resamples, generator(seed, "comparison"), groups):
        for run, found in predictions.items():
            for metric in metrics:
                for name, values in _by_class(metric.resampled(found, weights)).items():
                    parts[run].setdefault((metric.name, name), []).append(values)
    return {run: {key: np.concatenate(blocks) for key, blocks in values.items()} for run, values in parts.items()}


def _bootstrap(
    value: float, apart: np.ndarray, units: float, fewest: int, level: float, bounds: tuple[float, float] | None
) -> Difference:
    """Interval and p-value of a paired difference; NaN where too many resamples leave it undefined, or one unit is all there is.

    Few units (rows or groups) spread too little, which both are corrected for (`expanded_level`, `students_difference`).
    Resamples that all agree show no spread: then the interval is what the units of the rarest class without any difference
    leave open.
    """
    known = apart[~np.isnan(apart)]
    if not np.isfinite(value) or len(known) < (1 - UNDEFINED) * len(apart) or units < 2:
        return Difference(value, NAN, NAN, NAN)
    if np.allclose(known, value, rtol=0, atol=1e-12):
        _, bound = degenerate_interval(0.0, fewest, level)
        return Difference(value, value - bound, value + bound, min(1.0, 2 * (1 - min(1.0, abs(value))) ** fewest))
    wider = expanded_level(level, units)
    if (1 - wider) / 2 * len(known) >= BEYOND:
        return Difference(value, *percentile_interval(known, wider), expanded_p(two_sided_p(known), units))
    found = students_difference(value, float(known.std(ddof=1)), units, level)
    if bounds is None:
        return found
    widest = bounds[1] - bounds[0]
    return replace(found, low=max(-widest, found.low), high=min(widest, found.high))


def _by_class(value: Any) -> dict[str, Any]:
    """A metric's value, or several by class name; "" is that of all rows."""
    return {str(name): item for name, item in value.items()} if isinstance(value, Mapping) else {"": value}
