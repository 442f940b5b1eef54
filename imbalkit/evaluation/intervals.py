"""Intervals of an evaluation's figures: closed forms where rows are independent, else the bootstrap.

Rows of one group (a patient, a lesion) tell less than as many rows of different ones. Where any group has several rows, whole
groups are resampled and no formula for independent rows is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.functional.bootstrap import interval, weight_blocks
from imbalkit.kinds import Interval, Limits, Metric, Predictions

if TYPE_CHECKING:
    from imbalkit.evaluation.settings import EvaluationSettings


FEW = 20  # rows, or groups of them, of a class below which intervals and tests may not hold what they say


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

    A limit is None where the figure, or too many of its resamples, are not defined. Empty without resamples or rows.

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
    found: dict[str, Any] = {metric.name: _without(metric.compute(predictions)) for metric in metrics}
    left = []
    for metric in metrics:
        closed = metric.closed_form(predictions, settings.level) if groups is None and metric.has_interval else None
        if closed is not None:
            found[metric.name] = closed
        elif metric.has_interval:
            left.append(metric)
    if left:
        found |= _bootstrap(predictions, left, groups, settings, seed)
    return {name: _to_json(item) for name, item in found.items()}


def _without(value: float | Mapping[str, float]) -> Any:
    """No interval."""
    if isinstance(value, Mapping):
        return {name: _without(item) for name, item in value.items()}
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
    drawn: dict[str, list[Any]] = {metric.name: [] for metric in metrics}
    with threadpool_limits(1, user_api="blas"):  # its products are small: threads would wait for each other
        for weights in weight_blocks(n, settings.resamples, generator(seed, "intervals"), groups):
            for metric in metrics:
                drawn[metric.name].append(metric.resampled(predictions, weights))
    codes = np.arange(n) if groups is None else groups

    def of(value: float, drawn: list[np.ndarray], limits: Limits, bounds: Limits | None, count: float) -> Interval:
        found = interval(float(value), np.concatenate(drawn), settings.level, lambda: limits, bounds, count)
        return Interval(*found, method)

    found: dict[str, Any] = {}
    for metric in metrics:
        value, blocks = metric.compute(predictions), drawn[metric.name]
        limits, count = metric.degenerate_interval(predictions, codes, settings.level), metric.units(predictions, codes)
        if isinstance(value, Mapping):
            found[metric.name] = {
                name: of(item, [block[name] for block in blocks], limits[name], metric.bounds_of(name), count)
                for name, item in value.items()
            }
        else:
            found[metric.name] = of(value, blocks, limits, metric.bounds, count)
    return found


def _to_json(found: Interval | Mapping[str, Interval]) -> dict[str, Any]:
    if isinstance(found, Mapping):
        return {str(name): _to_json(item) for name, item in found.items()}
    low, high = (float(limit) if math.isfinite(limit) else None for limit in (found.low, found.high))
    return {"low": low, "high": high, "method": found.method}
