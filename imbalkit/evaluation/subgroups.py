"""Metrics of parts of the test rows, by what the table has on them: age, sex, site, camera, year."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.randomness import derive_seed
from imbalkit.data.columns import column_problem
from imbalkit.data.table import label_text, natural_order
from imbalkit.errors import DataError
from imbalkit.evaluation.evaluate import to_json
from imbalkit.evaluation.intervals import interval_facts
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.kinds import Metric, Predictions

FEW, FEW_NUMBERS = 20, 8  # distinct values up to which each makes a subgroup by default
MOST = 30  # and how many the most frequent values of a requested column may be; the others are one subgroup
BINS = 4  # of a column of numbers
MOST_COLUMNS = 100  # a table of more has features that nobody reads one by one: no column makes subgroups by default
NOT_STATED, OTHERS = "not stated", "others"
SHOWN_POSITIVE = ("roc_auc", "miss_rate", "false_alarm_rate")
SHOWN = ("balanced_accuracy", "worst_class_recall", "roc_auc")


def shown(metrics: Iterable[Metric], positive: int | None) -> list[Metric]:
    """The metrics that subgroups are compared by; all of them, if none of those is among the recipe's."""
    metrics = list(metrics)
    names = SHOWN if positive is None else SHOWN_POSITIVE
    return [metric for metric in metrics if metric.name in names] or metrics


def subgroup_facts(
    predictions: Predictions,
    metadata: pd.DataFrame,
    groups: np.ndarray | None,
    metrics: Iterable[Metric],
    settings: EvaluationSettings,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Each subgroup's metrics with intervals, ready for JSON; columns in the order requested, values in natural order.

    One entry a value: `column`, `value`, `n`, `support` (rows of each class), `withheld` (why there are no metrics, or None)
    and `metrics` (metric -> value, low, high; or such a mapping by class). A subgroup is withheld if a class has some rows, but
    fewer than `settings.min_subgroup_rows`; where a class has none, its metrics are not defined and the others stand.

    Args:
        predictions: of the test rows
        metadata: what is known of the same rows, in the same order
        groups: codes of what rows belong to, int [n]; None without
        metrics: which to give, such as `shown(...)`
        settings: columns, fewest rows of a class, level and resamples
        seed: of the resamples

    Raises:
        DataError: a requested column is not there, or rows do not match
    """
    if len(metadata) != len(predictions.labels):
        raise DataError(f"expected metadata of {len(predictions.labels)} rows, got {len(metadata)}")
    metrics = list(metrics)
    entries = []
    for column, values in _columns(metadata, predictions.labels, settings.subgroups):
        for value in values.cat.categories:
            rows = np.flatnonzero(values == value)
            own_seed = derive_seed(seed, "subgroup", column, value)
            entry = _entry(
                predictions.take(rows), None if groups is None else groups[rows], metrics, settings, own_seed
            )
            entries.append({"column": column, "value": value, **entry})
    return entries


def _columns(
    metadata: pd.DataFrame, labels: np.ndarray, requested: list[str] | None
) -> Iterator[tuple[str, pd.Series]]:
    """The requested columns, or those that make subgroups by default, with the subgroup of each row."""
    if requested is not None:
        problem = column_problem(requested, metadata.columns)
        if problem:
            raise DataError(f"evaluation.subgroups: {problem}")
        yield from ((name, subgroups_of(metadata[name])) for name in requested)
        return
    if metadata.shape[1] > MOST_COLUMNS:
        return
    for name in metadata:
        if worth_comparing(metadata[name]):
            values = subgroups_of(metadata[name])
            of_value = pd.Series(labels).groupby(values.cat.codes.to_numpy()).nunique()
            if len(of_value) > 1 and (of_value > 1).any():  # not the label in other words
                yield str(name), values


def worth_comparing(column: pd.Series) -> bool:
    """Whether a column makes subgroups by default: several values, and no names, dates or identifiers."""
    known = column.dropna()
    distinct = known.nunique()
    if _is_number(known):
        identifies = distinct == len(known) and bool((known == known.round()).all())  # a number a row
        return distinct > 1 and not (identifies and distinct > FEW_NUMBERS)
    return 1 <= distinct <= FEW and known.astype(str).nunique() + bool(column.isna().any()) > 1


def subgroups_of(column: pd.Series) -> pd.Series:
    """The subgroup of each row, as a categorical of text in natural order, "not stated" last.

    Numbers of more than FEW_NUMBERS values make BINS subgroups of about equal size, named by the smallest and largest number in
    them. Of other columns with more than MOST values, the most frequent stand alone and the rest together.
    """
    missing = column.isna() | (column.astype(str).str.strip() == "")
    known = column[~missing]
    if _is_number(known) and known.nunique() > FEW_NUMBERS:
        bins = _bins(known)
        names = dict(zip(sorted(bins.unique()), _spans(known.groupby(bins).agg(["min", "max"])), strict=True))
        text, order = bins.map(names), list(names.values())
    else:
        text = label_text(known)
        if text.nunique() > MOST:
            text = text.where(text.isin(text.value_counts().index[:MOST]), OTHERS)
        order = [name for name in natural_order(text) if name != OTHERS] + [OTHERS] * bool((text == OTHERS).any())
    order += [NOT_STATED] * bool(missing.any() and NOT_STATED not in order)
    return pd.Series(pd.Categorical(text.reindex(column.index).where(~missing, NOT_STATED), categories=order))


def _bins(known: pd.Series) -> pd.Series:
    """A number for each value's bin, in order: finite values in BINS of about equal size, infinite ones by themselves."""
    numbers = known.astype(float)
    finite = pd.Series(np.isfinite(numbers), known.index)
    if numbers.nunique() < known.nunique():  # large whole numbers that floats round
        numbers = known.rank(method="dense")
    cut = pd.qcut(numbers[finite], BINS, labels=False, duplicates="drop")
    return cut.reindex(known.index).where(finite, np.where(numbers > 0, BINS, -1)).astype(int)


def _spans(spans: pd.DataFrame) -> list[str]:
    """Names of bins by their smallest and largest value, with as many digits as tell them apart."""
    ends = list(spans.itertuples(index=False, name=None))
    names: list[str] = []
    for digits in (6, 9, 12, 15, 17, 0):
        shown = [[f"{end:.{digits}g}" if digits else str(end) for end in pair] for pair in ends]
        names = [
            low if low == high and np.isinf(end) else f"{low} to {high}"
            for (low, high), (_, end) in zip(shown, ends, strict=True)
        ]
        if len({low for low, _ in shown}) == len(ends) == len({high for _, high in shown}):
            break
    return names


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _entry(
    predictions: Predictions,
    groups: np.ndarray | None,
    metrics: list[Metric],
    settings: EvaluationSettings,
    seed: int,
) -> dict[str, Any]:
    """One subgroup's numbers."""
    classes = predictions.classes
    counts = np.bincount(predictions.labels, minlength=len(classes))
    support = dict(zip(classes, counts.tolist(), strict=True))
    facts: dict[str, Any] = {"n": len(predictions.labels), "support": support, "withheld": None, "metrics": {}}
    if predictions.positive is not None and len(classes) > 2:
        name = classes[predictions.positive]
        support = {name: support[name], f"classes other than {name}": facts["n"] - support[name]}
    few = [name for name, count in support.items() if 0 < count < settings.min_subgroup_rows]
    if few:
        return facts | {"withheld": f"fewer than {settings.min_subgroup_rows} rows of {' and of '.join(few)}"}
    found = interval_facts(predictions, metrics, groups, settings, seed)
    for metric in metrics:
        value = to_json(metric.compute(predictions))
        facts["metrics"][metric.name] = _with_limits(value, found.get(metric.name))
    return facts


def _with_limits(value: Any, limits: Mapping[str, Any] | None) -> dict[str, Any]:
    """A value with its interval, by class where there is one a class."""
    if isinstance(value, Mapping):
        return {name: _with_limits(item, limits[name] if limits else None) for name, item in value.items()}
    return {"value": value, "low": limits["low"] if limits else None, "high": limits["high"] if limits else None}
