"""Columns that a user hands to `fit` and `predict`: a matrix of numbers, or a table of numbers and words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from imbalkit.data.table import RESERVED
from imbalkit.sklearn.samples import COLUMNS, GROUP, LABEL, Samples

_NUMBERS = {"dtype": "numeric", "ensure_all_finite": "allow-nan"}


def columns_to_fit(estimator: BaseEstimator, x: Any, y: Any) -> tuple[Samples, Any]:
    """Columns and labels, checked and noted in the estimator as scikit-learn does. Raises ValueError.

    A table of numbers alone is a matrix, as for any estimator: its booleans are 0 and 1.
    """
    if isinstance(x, pd.DataFrame):
        x = x.infer_objects()
        if not all(pd.api.types.is_numeric_dtype(kind) for kind in x.dtypes):
            x, y = validate_data(estimator, x, y, skip_check_array=True)
            samples = _columns_of(x)
            _check_numbers(samples, samples.numeric)
            return samples, y
    x, y = validate_data(estimator, x, y, **_NUMBERS)
    return _matrix(estimator, x), y


def columns_to_predict(estimator: BaseEstimator, x: Any, numbers: Mapping[str, bool]) -> Samples:
    """Columns as in `fit`. Raises ValueError for others.

    Args:
        estimator: fitted
        x: columns
        numbers: whether each column of `fit` held numbers
    """
    if all(numbers.values()):
        return _matrix(estimator, validate_data(estimator, x, reset=False, **_NUMBERS))
    if not isinstance(x, pd.DataFrame):
        raise ValueError(f"expected a DataFrame with the columns of fit, got {type(x).__name__}")
    x = x.infer_objects()
    validate_data(estimator, x, reset=False, skip_check_array=True)
    samples = _columns_of(x)
    _check_numbers(samples, [name for name, is_number in numbers.items() if is_number])
    return samples


def _matrix(estimator: BaseEstimator, x: np.ndarray) -> Samples:
    x = x.astype(np.float64) if x.dtype == np.bool_ else x
    names = getattr(estimator, "feature_names_in_", [f"x{place}" for place in range(x.shape[1])])
    return _columns_of(pd.DataFrame(x, columns=list(names)))


def _columns_of(frame: pd.DataFrame) -> Samples:
    """A table with its columns' names as text. Raises ValueError for names that collide, or stand for something else."""
    names = [str(name) for name in frame.columns]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"expected columns of different names, got {twice!r} twice")
    taken = next((name for name in names if name in (*RESERVED, LABEL, GROUP)), None)
    if taken is not None:
        raise ValueError(
            f"X has a column {taken!r}, a name that the table of samples has for something else: rename it"
        )
    frame = frame.set_axis(names, axis=1)
    numeric = tuple(name for name in names if _is_number(frame[name]))
    words = {name: frame[name].astype(object).map(str, na_action="ignore") for name in names if name not in numeric}
    return Samples(COLUMNS, frame.assign(**words), numeric)


def _is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers by its type; booleans and categories are words."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _check_numbers(samples: Samples, numeric: Iterable[str]) -> None:
    """Raise ValueError for columns of numbers that hold words or infinity."""
    for name in numeric:
        values = samples.values[name]
        if name not in samples.numeric:
            odd = next(iter(values[pd.to_numeric(values, errors="coerce").isna() & values.notna()]), None)
            if odd is not None:
                raise ValueError(f"expected numbers in column {name!r}, as in fit, got {odd!r:.60}")
        elif np.isinf(values.to_numpy(np.float64, na_value=np.nan)).any():
            raise ValueError(f"expected finite numbers or gaps in column {name!r}, got infinity")
