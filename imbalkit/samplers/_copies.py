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
    row = np.tile(rows, views * cycles)
    which = np.tile(np.repeat(np.arange(views, dtype=np.uint16), len(rows)), cycles)
    if rest:
        shuffled, order = rng.permutation(rows), rng.permutation(views).astype(np.uint16)
        slot = np.arange(rest, dtype=np.int64)
        # (s mod n, s mod v) meets each pair once in lcm(n, v) slots; a shift by one then starts on the pairs left over.
        view = (slot + slot // lcm(len(rows), views)) % views
        row = np.concatenate([row, shuffled[slot % len(rows)]])
        which = np.concatenate([which, order[view]])
    return row, which
