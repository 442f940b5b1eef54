"""Columns that several networks were fitted on, each on its own training rows, as one input that serves them all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imbalkit.data.column_inputs import FittedColumn
from imbalkit_lite.columns import CategoryColumn, Column, ColumnEncoding, NumberColumn


def merged(columns: Sequence[Sequence[FittedColumn]]) -> list[FittedColumn]:
    """The columns of all, in the order of the first network that takes each: numbers scaled as there, categories of all.

    Args:
        columns: of each network: each name a number or a category in all that take it
    """
    first: dict[str, FittedColumn] = {}
    others: dict[str, list[Column]] = {}
    for fitted in (fitted for own in columns for fitted in own):
        first.setdefault(fitted.column.name, fitted)
        others.setdefault(fitted.column.name, []).append(fitted.column)
    return [_with_all_values(fitted, others[name]) for name, fitted in first.items()]


def _with_all_values(first: FittedColumn, columns: Sequence[Column]) -> FittedColumn:
    if isinstance(first.column, NumberColumn):
        return first
    values = {value for column in columns if isinstance(column, CategoryColumn) for value in column.values}
    return FittedColumn(
        CategoryColumn(first.column.name, tuple(sorted(values))), first.rows, first.missing, first.others
    )


def recoding(whole: ColumnEncoding, own: ColumnEncoding) -> tuple[np.ndarray, np.ndarray]:
    """(matrix [W, V], shift [V]), float64: rows of `whole` [n, W] @ matrix + shift are rows of `own` [n, V].

    Exact but for numbers that are cut off at `MOST_SPREADS`, which `whole` does at its own spread.
    """
    matrix, shift = np.zeros((whole.width, own.width)), np.zeros(own.width)
    starts = dict(zip(whole.names, np.cumsum([0, *(column.width for column in whole.columns)])[:-1], strict=True))
    theirs, end = dict(zip(whole.names, whole.columns, strict=True)), 0
    for column in own.columns:
        source, start, place, end = theirs[column.name], int(starts[column.name]), end, end + column.width
        if isinstance(column, NumberColumn) and isinstance(source, NumberColumn):
            moved = (source.mean - column.mean) / column.std
            matrix[start, place] = source.std / column.std
            matrix[start + 1, place : place + 2] = -moved, 1  # a missing one is 0, as in training
            shift[place] = moved
        elif isinstance(column, CategoryColumn) and isinstance(source, CategoryColumn):
            known = [
                column.values.index(value) if value in column.values else len(column.values) for value in source.values
            ]
            targets = [*known, len(column.values), len(column.values) + 1]  # others, missing
            matrix[np.arange(start, start + source.width), place + np.array(targets)] = 1
    return matrix, shift
