"""All metrics of a set of predictions, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from imbalkit.base.parameters import with_origin
from imbalkit.errors import DataError, ImbalkitError, PluginError
from imbalkit.functional.metrics import confusion_matrix
from imbalkit.kinds import Metric, Predictions


def evaluate(predictions: Predictions, metrics: Iterable[Metric]) -> dict[str, Any]:
    """Every metric by name, with `n`, `support` (rows of each class) and `confusion_matrix` (labels down).

    What is not defined (NaN) is None. Raises DataError for arrays that do not fit together, PluginError for a metric that fails.
    """
    check_predictions(predictions)
    confusion = confusion_matrix(predictions.labels, predictions.decisions, len(predictions.classes))
    support = (int(count) for count in confusion.sum(axis=1))
    return {
        "n": len(predictions.labels),
        "support": dict(zip(predictions.classes, support, strict=True)),
        **{metric.name: _value(metric, predictions) for metric in metrics},
        "confusion_matrix": confusion.tolist(),
    }


def _value(metric: Metric, predictions: Predictions) -> Any:
    """A metric's value, ready for JSON. Raises PluginError that names the metric for what it raises or returns wrongly."""
    try:
        return to_json(metric.compute(predictions))
    except ImbalkitError:
        raise
    except Exception as error:
        raise PluginError(
            f"{with_origin(metric)} failed: {type(error).__name__}: {error}\n"
            "  correct it, name the metrics to compute in `metrics`, or leave its plugin out (--without)"
        ) from error


def to_json(value: float | Mapping[str, float]) -> Any:
    """A metric's value with Python floats, and None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    return float(value) if math.isfinite(value) else None


def check_predictions(predictions: Predictions) -> None:
    """Raise DataError for shapes that differ and codes that are no class."""
    rows, classes = len(predictions.labels), len(predictions.classes)
    if predictions.probabilities.shape != (rows, classes) or predictions.decisions.shape != (rows,):
        raise DataError(
            f"expected probabilities [{rows}, {classes}] and decisions [{rows}], got "
            f"{list(predictions.probabilities.shape)} and {list(predictions.decisions.shape)}"
        )
    for name, codes in (("labels", predictions.labels), ("decisions", predictions.decisions)):
        if not np.issubdtype(codes.dtype, np.integer) or (rows and not 0 <= codes.min() <= codes.max() < classes):
            raise DataError(f"expected {name} as whole numbers from 0 to {classes - 1}, got {codes.dtype} {codes[:5]}")
