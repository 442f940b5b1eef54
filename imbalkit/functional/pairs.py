"""ROC areas as counts of pairs of rows, and bootstrap intervals of any figure on weighted rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 1000  # of a bootstrap

PairCounter = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; NaN where it is not defined."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def pair_counter(positives: np.ndarray, scores: np.ndarray, strata: np.ndarray | None = None) -> PairCounter:
    """Counts the pairs of a positive and another row of one stratum; sorts once, for many weightings.

    Args:
        positives: bool [n]
        scores: float [n], finite
        strata: int [n]; without them all rows are one

    Returns:
        a function from weights [n] to the weight of the pairs whose positive row has the higher score (ties half) and of all
        pairs, both [S] in the order of the strata's codes; their ratio is the ROC AUC
    """
    strata = np.zeros(len(scores), dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    order = np.lexsort((scores, strata))
    ranked, place, positive = np.asarray(scores)[order], strata[order], np.asarray(positives)[order]
    starts = np.flatnonzero(np.append(True, (ranked[1:] != ranked[:-1]) | (place[1:] != place[:-1])))  # runs of ties
    place = place[starts]  # stratum of each run
    first = np.searchsorted(place, np.arange(place[-1] + 1))  # first run of each stratum

    def count(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights = np.asarray(weights, dtype=np.float64)[order]
        hits = np.add.reduceat(np.where(positive, weights, 0.0), starts)
        others = np.add.reduceat(np.where(positive, 0.0, weights), starts)
        below = np.cumsum(others) - others
        below -= below[first][place]
        wins = np.add.reduceat(hits * (below + others / 2), first)
        return wins, np.add.reduceat(hits, first) * np.add.reduceat(others, first)

    return count


def area(wins: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """wins / pairs, NaN where there are no pairs."""
    wins, pairs = np.asarray(wins, dtype=np.float64), np.asarray(pairs, dtype=np.float64)
    return np.divide(wins, pairs, out=np.full(wins.shape, np.nan), where=pairs > 0.5)


def smaller_side(positives: np.ndarray, groups: np.ndarray) -> int:
    """Groups of the positive rows or of the others, whichever are fewer; `positives` bool [n], `groups` int [n]."""
    return min(len(np.unique(groups[positives])), len(np.unique(groups[~positives])))


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: np.ndarray,
    behind: Sequence[int],
    widen: float = 1.0,
    seed: int = 0,
) -> list[Estimate]:
    """Shares on weighted rows with percentile intervals: whole groups are drawn with replacement (Davison, Hinkley 1997).

    A figure of 1 (or 0) in every draw has no spread: its bound is what Clopper and Pearson give for m hits in m trials, with m
    the groups that stand behind it. If a share 1 - A of the rows of one side lost all its pairs, m of them would show none
    of it with a chance of A^m.

    Args:
        statistic: weights [n] to figures [k], each in 0..1
        groups: int [n]
        behind: groups behind each figure, [k]: for an area, those of its smaller side
        widen: what the interval's distances from the figure are multiplied by
        seed: of the draws

    Returns:
        k estimates; the interval is NaN where more than one draw in ten leaves the figure undefined
    """
    values = statistic(np.ones(len(groups)))
    names, group = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        times = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))
        drawn.append(statistic(times[group]))
    found = []
    for value, column, trials in zip(values.tolist(), np.array(drawn).T, behind, strict=True):
        known = column[np.isfinite(column)]
        if len(known) and trials and value in (0.0, 1.0) and (known == value).all():
            miss = 1 - 0.025 ** (1 / trials)
            found.append(Estimate(value, 1 - miss, 1.0) if value else Estimate(value, 0.0, miss))
            continue
        if not np.isfinite(value) or len(known) < 0.9 * DRAWS:
            found.append(Estimate(value))
            continue
        low, high = value + widen * (np.percentile(known, [2.5, 97.5]) - value)
        found.append(Estimate(value, float(max(low, 0.0)), float(min(high, 1.0))))
    return found
