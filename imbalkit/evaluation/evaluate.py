"""All figures of a set of predictions, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from pydantic import field_validator

from imbalkit.errors import DataError
from imbalkit.functional.metrics import confusion_matrix
from imbalkit.kinds import Metric, Predictions, Settings, param


class EvaluationSettings(Settings):
    """What is reported of the test rows besides the metrics themselves."""

    renamed = {"smallest": "min_subgroup_rows"}

    resamples: int = param(2000, help="bootstrap resamples of the intervals; 0: no intervals", ge=0)
    level: float = param(0.95, help="confidence level of the intervals", gt=0.5, lt=1)
    subgroups: list[str] | None = param(
        None, help="metadata columns to give metrics by (default: every column of numbers or of few values; []: none)"
    )
    min_subgroup_rows: int = param(
        10, help="rows of each class that a subgroup needs, or its metrics are withheld", ge=1
    )
    prevalences: list[float] = param([], help="shares of the positive class to give predictive values at, such as 0.02")

    @field_validator("resamples")
    @classmethod
    def _resamples(cls, value: int) -> int:
        if 0 < value < 100:
            raise ValueError(f"expected 100 resamples or more, or 0 for no intervals, got {value}")
        return value

    @field_validator("prevalences")
    @classmethod
    def _prevalences(cls, value: list[float]) -> list[float]:
        wrong = [item for item in value if not 0 < item < 1]
        if wrong:
            raise ValueError(f"expected shares between 0 and 1, got {', '.join(map(str, wrong))}")
        return value


def evaluate(predictions: Predictions, metrics: Iterable[Metric]) -> dict[str, Any]:
    """Every metric by name, with `n`, `support` (rows of each class) and `confusion_matrix` (labels down).

    What is not defined (NaN) is None. Raises DataError for arrays that do not fit together.
    """
    check_predictions(predictions)
    confusion = confusion_matrix(predictions.labels, predictions.decisions, len(predictions.classes))
    support = (int(count) for count in confusion.sum(axis=1))
    return {
        "n": len(predictions.labels),
        "support": dict(zip(predictions.classes, support, strict=True)),
        **{metric.name: to_json(metric.compute(predictions)) for metric in metrics},
        "confusion_matrix": confusion.tolist(),
    }


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
