"""ROC areas as counts of pairs of rows, in strata, on weighted rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

PairCounter = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def pair_counter(positives: np.ndarray, scores: np.ndarray, strata: np.ndarray | None = None) -> PairCounter:
    """Counts the pairs of a positive and another row of one stratum; sorts once, for many weightings.

    Args:
        positives: bool [n]
        scores: float [n], finite
        strata: int [n]; without them all rows are one

    Returns:
        a function from weights [..., n] to the weight of the pairs whose positive row has the higher score (ties half) and of
        all pairs, both [..., S] in the order of the strata's codes; their ratio is the ROC AUC
    """
    strata = np.zeros(len(scores), dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    order = np.lexsort((scores, strata))
    ranked, place, positive = np.asarray(scores)[order], strata[order], np.asarray(positives)[order]
    starts = np.flatnonzero(np.append(True, (ranked[1:] != ranked[:-1]) | (place[1:] != place[:-1])))  # runs of ties
    place = place[starts]  # stratum of each run
    first = np.searchsorted(place, np.arange(place[-1] + 1))  # first run of each stratum

    def count(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights = np.asarray(weights, dtype=np.float64)[..., order]
        hits = np.add.reduceat(np.where(positive, weights, 0.0), starts, axis=-1)
        others = np.add.reduceat(np.where(positive, 0.0, weights), starts, axis=-1)
        below = np.cumsum(others, axis=-1) - others
        below -= below[..., first][..., place]
        wins = np.add.reduceat(hits * (below + others / 2), first, axis=-1)
        return wins, np.add.reduceat(hits, first, axis=-1) * np.add.reduceat(others, first, axis=-1)

    return count


def area(wins: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """wins / pairs, NaN where there are no pairs."""
    wins, pairs = np.asarray(wins, dtype=np.float64), np.asarray(pairs, dtype=np.float64)
    return np.divide(wins, pairs, out=np.full(wins.shape, np.nan), where=pairs > 0.5)


def fewer_groups(positives: np.ndarray, groups: np.ndarray) -> int:
    """Groups of the positive rows or of the others, whichever are fewer; `positives` bool [n], `groups` int [n]."""
    return min(len(np.unique(groups[positives])), len(np.unique(groups[~positives])))
