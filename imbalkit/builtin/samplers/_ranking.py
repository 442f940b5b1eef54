"""The rows of highest score, or random ones, without sorting them all."""

from __future__ import annotations

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
    return rows[wins]
