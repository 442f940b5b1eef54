"""The bootstrap by weights: a resample is how often each row was drawn, and a metric of all resamples is a few sums.

Rows, or whole groups of rows, are drawn with replacement, within strata such as folds and classes where given. Metrics are
computed for every resample at once from the weights [resamples, n], without copying a row.
Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 6 (resampling), 8 (groups) and 13 (percentiles).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imbalkit.errors import DataError
from imbalkit.functional.proportions import degenerate_interval

BLOCK = 500_000  # weights held at a time: they and their copies fit the processor's cache
FEWEST = 32  # resamples held at a time however many rows there are: each block of them sorts the rows anew
UNDEFINED = 0.1  # share of resamples that may leave a metric undefined before it gets no interval


@dataclass(frozen=True)
class Estimate:
    """A value and its interval; NaN where it is not defined."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def draw_weights(
    n: int,
    resamples: int,
    rng: np.random.Generator,
    strata: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """How often each of n rows is in each resample, float32 [resamples, n], whole numbers.

    Each stratum keeps its number of groups; without groups, its number of rows.

    Args:
        n: rows
        resamples: how many resamples
        rng: generator
        strata: codes, int [n]; what is drawn is drawn within them (default: one stratum)
        groups: codes, int [n]; rows of a group are drawn together (default: each row for itself)

    Raises:
        DataError: a group has rows in several strata
    """
    groups = None if groups is None else np.unique(groups, return_inverse=True)[1]
    units = n if groups is None else int(groups.max(initial=-1)) + 1
    of_unit = _strata_of_units(units, strata, groups)
    times = np.zeros((resamples, units), dtype=np.float32)
    for code in np.unique(of_unit):
        of_stratum = np.flatnonzero(of_unit == code)
        whole = len(of_stratum) == units
        for row in times:  # one at a time: twice as fast as one large array, and no memory
            drawn = np.bincount(rng.integers(len(of_stratum), size=len(of_stratum)), minlength=len(of_stratum))
            row[slice(None) if whole else of_stratum] = drawn
    return times if groups is None else times[:, groups]


def _strata_of_units(units: int, strata: np.ndarray | None, groups: np.ndarray | None) -> np.ndarray:
    """The stratum of each group (or row), int64 [units]."""
    if strata is None:
        return np.zeros(units, dtype=np.int64)
    strata = np.unique(strata, return_inverse=True)[1]
    if groups is None:
        return strata
    of_unit = np.zeros(units, dtype=np.int64)
    of_unit[groups] = strata
    if (of_unit[groups] != strata).any():
        count = len(np.unique(groups[of_unit[groups] != strata]))
        raise DataError(f"groups are drawn within strata, and {count} groups have rows in several strata")
    return of_unit


def weight_blocks(
    n: int, resamples: int, rng: np.random.Generator, groups: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """`draw_weights` in parts [r, n] that add up to all resamples and need little memory each."""
    rows = max(FEWEST, BLOCK // max(n, 1))
    for start in range(0, resamples, rows):
        yield draw_weights(n, min(rows, resamples - start), rng, groups=groups)


def mean_of(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted means of `values` [n] over the rows where it is not NaN, float64 [resamples]; NaN where no row is drawn."""
    known = ~np.isnan(values)
    if not known.all():
        values, weights = values[known], weights[:, known]
    total = weights.sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: np.ndarray = weights.astype(np.float64) @ values / total
    return means


def percentile_interval(resampled: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of a metric's resamples [resamples], those that are not defined left out."""
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def interval(
    value: float,
    resampled: np.ndarray,
    level: float,
    degenerate: tuple[float, float],
    bounds: tuple[float, float] | None = None,
    units: float | None = None,
) -> tuple[float, float]:
    """The interval of a metric from its resamples; NaN where too many of them leave it undefined.

    With bounds, `logit_interval`, which near them holds the truth more often; without, percentiles.

    Args:
        value: the metric of all rows
        resampled: of the resamples, [resamples]
        level: share of intervals that shall hold the truth
        degenerate: the interval where every resample gives the value itself: they have no spread
        bounds: smallest and largest possible value
        units: what its spread comes from: rows or groups that were drawn, or see `units_of_classes`
    """
    known = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(known) < (1 - UNDEFINED) * len(resampled) or not len(known):
        return float("nan"), float("nan")
    if np.allclose(known, value, rtol=0, atol=1e-12):
        return degenerate
    if bounds is None or not bounds[0] < value < bounds[1]:
        return percentile_interval(known, level)
    return logit_interval(value, float(known.std(ddof=1)), level, bounds, units)


def logit_interval(
    value: float, deviation: float, level: float, bounds: tuple[float, float] = (0.0, 1.0), units: float | None = None
) -> tuple[float, float]:
    """The interval that is symmetric on the logit scale of a metric's bounds, within which it stays.

    Args:
        value: the metric, strictly between its bounds
        deviation: its standard error
        level: share of intervals that shall hold the truth
        bounds: smallest and largest possible value
        units: what the standard error comes from; few of them widen the interval as Student's t does (default: many)
    """
    from scipy.special import ndtri, stdtrit

    low, high = bounds
    share = (value - low) / (high - low)
    times = ndtri((1 + level) / 2) if units is None else stdtrit(max(units - 1, 1), (1 + level) / 2)
    half = times * deviation / (high - low) / (share * (1 - share))
    middle = np.log(share) - np.log1p(-share)
    lower, upper = (float(low + (high - low) / (1 + np.exp(-limit))) for limit in (middle - half, middle + half))
    return lower, upper


def units_of_classes(counts: Sequence[int] | np.ndarray) -> float:
    """As how many units those of the classes count for a metric that weighs all classes alike, such as a mean of their recalls.

    One more than the degrees of freedom of a mean of means, each of so many units of equal spread (Satterthwaite 1946): not
    much more than the rarest class has, if the others have many; more where several are rare.
    """
    counts = np.asarray(counts, dtype=np.float64)
    counts = counts[counts > 0]
    if not len(counts):
        return 1.0
    return 1 + float((1 / counts).sum() ** 2 / (1 / counts**2 / np.maximum(counts - 1, 1)).sum())


def two_sided_p(differences: np.ndarray) -> float:
    """Bootstrap p-value of a paired difference being zero, from its resamples [resamples].

    Twice the share of resamples on the other side of zero, with one added to both counts, so that it is never 0
    (Davison and Hinkley, Bootstrap Methods and their Application, 1997, eq. 4.11).
    """
    known = differences[~np.isnan(differences)]
    least = min((known <= 0).sum(), (known >= 0).sum())
    return float(min(1.0, 2 * (least + 1) / (len(known) + 1)))


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: np.ndarray,
    behind: Sequence[int],
    widen: float = 1.0,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> list[Estimate]:
    """Shares on weighted rows with percentile intervals: whole groups are drawn with replacement.

    Args:
        statistic: weights [r, n] to values [r, k], each in 0..1
        groups: int [n]
        behind: groups behind each value, [k]: for an area, those of its smaller class (see `degenerate_interval`)
        widen: what the interval's distances from the value are multiplied by
        seed: of the draws
        resamples: how many
        level: of the intervals

    Returns:
        k estimates; the interval is NaN where more than one resample in ten leaves the value undefined
    """
    n = len(groups)
    values = statistic(np.ones((1, n)))[0]
    blocks = weight_blocks(n, resamples, np.random.default_rng(seed), groups)
    drawn = np.concatenate([statistic(weights) for weights in blocks])
    found = []
    for value, column, units in zip(values.tolist(), drawn.T, behind, strict=True):
        limits = degenerate_interval(value, units, level)
        low, high = interval(value, column, level, limits)
        if widen != 1.0 and (low, high) != limits:
            low, high = (value + widen * (limit - value) for limit in (low, high))
        found.append(Estimate(value, float(np.maximum(low, 0.0)), float(np.minimum(high, 1.0))))
    return found
