"""A share of the rows for a trial: each stratum its share, groups whole, and some of every stratum."""

from __future__ import annotations

import numpy as np

from imbalkit.functional.distinct import distinct


def sample_rows(
    strata: np.ndarray, groups: np.ndarray | None, share: float, least: int, rng: np.random.Generator
) -> np.ndarray:
    """About `share` of the rows of each stratum, in whole groups, and at least `least` groups of each.

    A group counts for the rarest stratum among its rows. The groups of a stratum are taken in random order until its share is
    reached to half a group; then strata of which fewer than `least` groups came along get more. Rows without groups are
    groups of one. Time n log n.

    Args:
        strata: int [n], from 0
        groups: any codes, int [n], or None
        share: in (0, 1)
        least: groups of each stratum, or all that it has
        rng: decides the order

    Returns:
        positions of the rows, sorted, int64
    """
    counts = np.bincount(strata)
    if groups is None:
        of_row, own = np.arange(len(strata)), strata
        size = np.ones(len(strata), dtype=np.int64)
    else:
        _, of_row, size = np.unique(groups, return_inverse=True, return_counts=True)
        by_rarity = np.argsort(counts, kind="stable")
        rarity = np.empty(len(counts), dtype=np.int64)
        rarity[by_rarity] = np.arange(len(counts))
        rarest = np.full(len(size), len(counts))
        np.minimum.at(rarest, of_row, rarity[strata])
        own = by_rarity[rarest]
    turn = rng.permutation(len(size))
    order = np.lexsort((turn, own))  # the groups of each stratum together, in random order
    sizes, first = size[order], np.searchsorted(own[order], np.arange(len(counts) + 1))
    before = np.cumsum(sizes) - sizes  # rows of the groups that come earlier
    begins = np.append(before, size.sum())[first]  # of each stratum
    rows = np.diff(begins)
    stratum = own[order]
    position = np.arange(len(order)) - first[stratum]
    taken = np.zeros(len(size), dtype=np.bool_)
    taken[order] = (before - begins[stratum] + sizes / 2 <= share * rows[stratum]) | (position < least)
    if groups is not None:
        _complete(taken, strata, of_row, turn, least)
    return np.flatnonzero(taken[of_row])


def _complete(taken: np.ndarray, strata: np.ndarray, of_row: np.ndarray, turn: np.ndarray, least: int) -> None:
    """Take more groups, in place, of strata that rarer ones share all their groups with."""
    several = int(strata.max()) + 1
    group, stratum = np.divmod(distinct(of_row * several + strata), several)
    for code in range(several):
        holding = group[stratum == code]
        lacking = least - int(taken[holding].sum())
        if lacking > 0:
            others = holding[~taken[holding]]
            taken[others[np.argsort(turn[others])[:lacking]]] = True
