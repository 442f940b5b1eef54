"""Distinct whole numbers of large arrays, by sorting."""

from __future__ import annotations

import numpy as np


def distinct(values: np.ndarray) -> np.ndarray:
    """`np.unique` of integers [n]. That one hashes from NumPy 2.3 on, ten times as slow for many different numbers."""
    ordered = np.sort(values)
    new = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return ordered[new]


def without(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`np.setdiff1d` of integers, sorted: `values` that are not among the few `others`."""
    found = distinct(values)
    return found[~np.isin(found, others)] if len(others) else found
