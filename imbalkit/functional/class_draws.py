"""How many rows of each class an epoch visits, which ones, and in what sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def class_counts(shares: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of each class, int64 [C], that sum to `rows`: shares times rows, rounded at random without bias.

    Systematic rounding: one uniform number moves all cumulated edges, so that a class gets the floor or the ceiling of its
    number (at most one off where two edges move), and its number on average.

    Args:
        shares: of each class, float [C], sum 1
        rows: of the epoch
        rng: draws one number
    """
    edges = np.cumsum(np.asarray(shares, dtype=np.float64)) * rows
    edges[-1] = rows  # whatever the sum of floats is
    return np.diff(np.floor(edges + rng.random()).astype(np.int64), prepend=0)


def cycled(rows: np.ndarray, start: int, count: int, shuffles: Sequence[np.ndarray]) -> np.ndarray:
    """`count` of the rows from place `start` of an endless cycle on, whose passes are each shuffled: no row is drawn again
    before all have been.

    Args:
        rows: int [n]
        start, count: places in the cycle
        shuffles: a permutation of 0..n-1 for each pass from `start // n` to `(start + count - 1) // n`
    """
    if not count:
        return rows[:0]
    first = start % len(rows)
    places: np.ndarray = np.concatenate(list(shuffles))[first : first + count]
    drawn: np.ndarray = rows[places]
    return drawn


def spread_evenly(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An order of draws, int64 [n], in which every class is spread evenly: the k-th of a class's m draws stands at a random
    place of the k-th of m equal stretches. So every batch holds close to its share of each class.

    Args:
        labels: class of each draw, int [n]
        rng: draws n numbers
    """
    places = rng.random(len(labels))
    for label in np.unique(labels):
        of_class = np.flatnonzero(labels == label)
        places[of_class] = (np.arange(len(of_class)) + places[of_class]) / len(of_class)
    return np.argsort(places, kind="stable")


def repeat_factors(shares: np.ndarray, threshold: float) -> np.ndarray:
    """How often a row of each class is visited an epoch: max(1, sqrt(threshold / share)), float64 [C]; 1 for an absent class.

    Gupta et al. 2019 (LVIS), section 5, for images of one class each.
    """
    shares = np.asarray(shares, dtype=np.float64)
    ratio = np.divide(threshold, shares, out=np.ones_like(shares), where=shares > 0)
    factors: np.ndarray = np.maximum(1.0, np.sqrt(ratio))
    return factors


def effective_number(counts: np.ndarray, beta: float) -> np.ndarray:
    """(1 - beta^N_c) / (1 - beta) of each class, float64 [C]. Cui et al. 2019, eq. 2.

    Args:
        counts: N_c > 0, [C]
        beta: 0 to below 1
    """
    counts = np.asarray(counts, dtype=np.float64)
    if beta == 0:
        return np.ones_like(counts)
    result: np.ndarray = -np.expm1(counts * np.log(beta)) / (1 - beta)
    return result
