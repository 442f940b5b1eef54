"""Which rows are copied, and with which view."""

from __future__ import annotations

from math import lcm

import numpy as np


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
