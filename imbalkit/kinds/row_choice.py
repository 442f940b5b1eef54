"""Which rows a sampler copies or drops: spread evenly, by the highest score (without sorting them all), or at random."""

from __future__ import annotations

from math import lcm

import numpy as np

from imbalkit.errors import PlanError


def checked_scores(scores: np.ndarray, rows: int, sampler: str) -> np.ndarray:
    """Scores as floats [rows]. Raises PlanError for another shape or NaN."""
    scores = np.asarray(scores)
    if scores.shape != (rows,):
        raise PlanError(f"{sampler}: expected one score for each of {rows:,} rows, got shape {list(scores.shape)}")
    if scores.dtype.kind != "f":
        scores = scores.astype(np.float64)
    bad = np.flatnonzero(np.isnan(scores))
    if len(bad):
        raise PlanError(
            f"{sampler}: {len(bad):,} of {rows:,} scores are NaN (the first is of row {int(bad[0])}); "
            "the model or the score broke down, look at the loss of the epochs before"
        )
    return scores


def checked_features(features: np.ndarray, rows: int, sampler: str) -> np.ndarray:
    """Features as floats [rows, F]. Raises PlanError for another shape, or NaN or infinity."""
    features = np.asarray(features)
    if features.ndim != 2 or len(features) != rows:
        raise PlanError(f"{sampler}: expected features of each of {rows:,} rows, got shape {list(features.shape)}")
    if features.dtype.kind != "f":
        features = features.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise PlanError(
            f"{sampler}: the features of {len(bad):,} of {rows:,} rows are not finite (the first is row {int(bad[0])}); "
            "the network broke down, look at its weights, or at the loss of the epochs before"
        )
    return features


def highest(scores: np.ndarray, keys: np.ndarray, count: int) -> np.ndarray:
    """Positions of the `count` highest scores, int64 [count] in no order; of equal scores the lowest keys.

    Linear in the number of scores.

    Args:
        scores: float [n] without NaN
        keys: row keys, uint64 [n]
        count: 0..n
    """
    if not count:
        return np.zeros(0, dtype=np.int64)
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    above = np.flatnonzero(scores > least)
    ties = np.flatnonzero(scores == least)
    missing = count - len(above)
    if missing < len(ties):
        ties = ties[np.argpartition(keys[ties], missing - 1)[:missing]]
    return np.concatenate([above, ties])


def random_rows(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of `rows` [n] at random without replacement, in their order.

    Each row draws a ticket and the lowest win, which takes less time and memory than `Generator.choice` (of equal
    tickets, one pair in 4 billion, the first wins).
    """
    if not count:
        return rows[:0]
    tickets = rng.integers(1 << 32, size=len(rows), dtype=np.uint32)
    last = np.partition(tickets, count - 1)[count - 1]
    wins = tickets < last
    wins[np.flatnonzero(tickets == last)[: count - np.count_nonzero(wins)]] = True
    chosen: np.ndarray = rows[wins]
    return chosen


def spread(rows: np.ndarray, views: int, copies: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Spread copies evenly: how often two rows, two views or two (row, view) pairs are used differs by one at most.

    Args:
        rows: positions to copy, int [n]
        views: how many views there are
        copies: how many copies to make
        rng: chooses which pairs are used once more than the others

    Returns:
        the row of each copy, uint32 [copies], and its view, uint16 [copies]
    """
    rows = rows.astype(np.uint32)
    cycles, rest = divmod(copies, len(rows) * views)
    # Filled in place: at 10^8 rows, making memory takes longer than writing to it.
    row, which = np.empty(copies, dtype=np.uint32), np.empty(copies, dtype=np.uint16)
    row[: copies - rest].reshape(-1, len(rows))[:] = rows
    which[: copies - rest].reshape(cycles, views, len(rows))[:] = np.arange(views, dtype=np.uint16)[:, None]
    if rest:
        shuffled, order = rng.permutation(rows), rng.permutation(views).astype(np.uint16)
        slot = np.arange(rest, dtype=np.int64)
        row[copies - rest :] = shuffled[slot % len(rows)]
        # (s mod n, s mod v) meets each pair once in lcm(n, v) slots; a shift by one then starts on the pairs left over.
        which[copies - rest :] = order[(slot + slot // lcm(len(rows), views)) % views]
    return row, which
