"""Intervals of an evaluation's metrics: closed forms where rows are independent, else the bootstrap.

Rows of one group (a patient, a lesion) hold less information than as many rows of different ones. Where any group has
several rows, whole groups are resampled and no formula for independent rows is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.functional.bootstrap import interval, weight_blocks
from imbalkit.kinds import Interval, Metric, Predictions

FEW = 20  # rows, or groups of them, of a class below which intervals may not have the stated coverage, nor tests their level


def repeated_groups(groups: np.ndarray | None) -> np.ndarray | None:
    """The groups, [n], if any of them has several rows; else None: rows are independent."""
    return groups if groups is not None and len(np.unique(groups)) < len(groups) else None


def units(n: int, groups: np.ndarray | None) -> tuple[str, int]:
    """What is resampled, "group" or "row", and how many of them n rows are."""
    groups = repeated_groups(groups)
    return ("row", n) if groups is None else ("group", len(np.unique(groups)))


def few_units(labels: np.ndarray, groups: np.ndarray | None, classes: Sequence[str]) -> list[tuple[int, str]]:
    """Classes that have rows (or groups), but fewer than FEW of them: their number and the class, the rarest first.

    Args:
        labels: codes, int [n]
        groups: codes of what rows belong to, int [n]; None without
        classes: class names
    """
    codes = np.arange(len(labels)) if groups is None else groups
    counts = ((len(np.unique(codes[labels == code])), name) for code, name in enumerate(classes))
    return sorted((n, name) for n, name in counts if 0 < n < FEW)


def interval_facts(
    predictions: Predictions,
    metrics: Iterable[Metric],
    groups: np.ndarray | None,
    settings: EvaluationSettings,
    seed: int = 0,
) -> dict[str, Any]:
    """The interval of every metric by name: {"low", "high", "method"}, or such a mapping by class; ready for JSON.

    A limit is None where the metric, or too many of its resamples, are not defined. Empty without resamples or rows.

    Args:
        predictions: as `evaluate` takes them
        metrics: what to give intervals for
        groups: codes of what rows belong to, int [n]; None without
        settings: level and number of resamples
        seed: of the resamples
    """
    n, metrics = len(predictions.labels), list(metrics)
    if not settings.resamples or not n:
        return {}
    groups = repeated_groups(groups)
    found: dict[str, Any] = {metric.name: _no_interval(metric.compute(predictions)) for metric in metrics}
    to_resample = []
    for metric in metrics:
        closed = metric.closed_form(predictions, settings.level) if groups is None and metric.has_interval else None
        if closed is not None:
            found[metric.name] = closed
        elif metric.has_interval:
            to_resample.append(metric)
    if to_resample:
        found |= _bootstrap(predictions, to_resample, groups, settings, seed)
    return {name: _to_json(item) for name, item in found.items()}


def _no_interval(value: float | Mapping[str, float]) -> Any:
    if isinstance(value, Mapping):
        return {name: _no_interval(item) for name, item in value.items()}
    return Interval(math.nan, math.nan, None)


def _bootstrap(
    predictions: Predictions, metrics: list[Metric], groups: np.ndarray | None, settings: EvaluationSettings, seed: int
) -> dict[str, Any]:
    """The intervals of metrics from the same resamples: `Interval`, or a mapping of them by class."""
    from threadpoolctl import threadpool_limits

    if predictions.positive is not None:  # in the order that most metrics sort by, they read weights one after another
        order = np.argsort(predictions.probabilities[:, predictions.positive], kind="stable")
        predictions, groups = predictions.take(order), None if groups is None else groups[order]
    n = len(predictions.labels)
    method = "bootstrap" if groups is None else "cluster bootstrap"
    resamples: dict[str, list[Any]] = {metric.name: [] for metric in metrics}
    with threadpool_limits(1, user_api="blas"):  # its products are small: threads would wait for each other
        for weights in weight_blocks(n, settings.resamples, generator(seed, "intervals"), groups):
            for metric in metrics:
                resamples[metric.name].append(metric.resampled(predictions, weights))
    codes = np.arange(n) if groups is None else groups
    return {
        metric.name: _of_resamples(metric, predictions, codes, resamples[metric.name], settings.level, method)
        for metric in metrics
    }


def _of_resamples(
    metric: Metric, predictions: Predictions, codes: np.ndarray, resamples: list[Any], level: float, method: str
) -> Interval | dict[str, Interval]:
    """A metric's interval, or one by name, from what `Metric.resampled` gave for each block of resamples."""
    value, units = metric.compute(predictions), metric.units(predictions, codes)
    degenerate: Any = metric.degenerate_interval(predictions, codes, level)
    if not isinstance(value, Mapping):
        limits = interval(float(value), np.concatenate(resamples), level, degenerate, metric.bounds, units)
        return Interval(*limits, method)
    found = {}
    for name, item in value.items():
        values = np.concatenate([block[name] for block in resamples])
        limits = interval(float(item), values, level, degenerate[name], metric.bounds_of(name), units)
        found[name] = Interval(*limits, method)
    return found


def _to_json(found: Interval | Mapping[str, Interval]) -> dict[str, Any]:
    if isinstance(found, Mapping):
        return {str(name): _to_json(item) for name, item in found.items()}
    low, high = (float(limit) if math.isfinite(limit) else None for limit in (found.low, found.high))
    return {"low": low, "high": high, "method": found.method}
