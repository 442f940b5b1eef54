"""Choosing an operating point exactly, over every threshold that separates rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from imbalkit.errors import DataError
from imbalkit.functional.metrics import operating_points
from imbalkit.functional.proportions import clopper_pearson
from imbalkit_lite.card import NEVER

Merit = Callable[[np.ndarray, np.ndarray, Any, Any], np.ndarray]
_TINY = 1e-12  # a recall that a sum of weights reaches exactly counts as reached


def best_threshold(
    positives: np.ndarray, probabilities: np.ndarray, merit: Merit, weights: np.ndarray | None = None
) -> float:
    """The threshold of largest merit; of several, the highest, which has the fewest false alarms.

    It lies half-way between the lowest probability that is predicted positive and the next lower one (or 0), so that
    rounding on another device does not move validation rows across it. Where predicting no row positive is best, it
    lies half-way from the highest probability to 1, or is NEVER if there is no room.

    Args:
        positives: bool [n]
        probabilities: of the positive class, float [n], 0..1
        merit: from true positives [k], false positives [k], and how many positive and negative rows there are, to a merit [k];
            whole numbers without weights, so that ties are exact
        weights: what each row counts, float [n], none negative; None for 1

    Raises:
        DataError: no rows of one class (or of no weight), or a probability outside 0..1
    """
    positives, probabilities = np.asarray(positives, dtype=np.bool_), np.asarray(probabilities)
    if weights is not None:
        weights = np.asarray(weights, dtype=np.float64)
        counted = weights > 0
        positives, probabilities, weights = positives[counted], probabilities[counted], weights[counted]
    if positives.all() or not positives.any():
        raise DataError(
            f"a threshold needs validation rows of both classes; got {int(positives.sum())} positive and "
            f"{int((~positives).sum())} negative ones"
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataError(
            "a threshold needs probabilities in 0..1; got others, or NaN: the model's logits are not finite"
        )
    if weights is None:
        values, hits, alarms = operating_points(positives, probabilities)
        hits, alarms = np.append(0, hits), np.append(0, alarms)  # first, no row is predicted positive
        found = merit(hits, alarms, int(hits[-1]), int(alarms[-1]))
    else:
        values, hits, alarms = operating_points(positives, probabilities, weights[None] / weights.sum())
        hits, alarms = np.append(0.0, hits[0]), np.append(0.0, alarms[0])
        # As shares of all weight, sums that should be equal differ by less than the 12th digit.
        found = np.round(merit(hits, alarms, hits[-1], alarms[-1]).astype(np.float64), 12)
    best = int(np.argmax(found))
    lower = values[best] if best < len(values) else values.dtype.type(0)
    if best == 0:
        return _above(float(lower))
    upper = values[best - 1]
    middle = lower + (upper - lower) / 2  # in the probabilities' own precision
    return float(middle if lower < middle else upper)


def _above(highest: float) -> float:
    """A threshold above the highest probability, also where a model file gives it as float32."""
    middle = highest + (1 - highest) / 2
    return middle if np.float32(middle) < 1 else NEVER


def reaches(recall: float) -> Merit:
    """Whether a recall is reached: of the points that do, `best_threshold` takes the highest."""
    return lambda hits, alarms, p, n: hits / p >= recall - _TINY


def f_score(beta: float) -> Merit:
    """F_beta = (1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP) (van Rijsbergen 1979)."""
    square = beta**2
    return lambda hits, alarms, p, n: (1 + square) * hits / (square * p + hits + alarms)


def saved_cost(ratio: float) -> Merit:
    """What the operating point saves over predicting every row negative, where a miss costs `ratio` times a false alarm."""
    return lambda hits, alarms, p, n: ratio * hits - alarms


def cost_threshold(costs: np.ndarray) -> float:
    """The probability of class 1 from which on predicting class 1 has the least expected cost (Elkan 2001, eq. 2).

    Args:
        costs: [2, 2], label down, decision across; each mistake costs at least as much as being right, and one of them more

    Raises:
        DataError: other costs
    """
    costs = np.asarray(costs, dtype=np.float64)
    if costs.shape != (2, 2) or not np.isfinite(costs).all():
        raise DataError(f"expected costs [2, 2], label down and decision across, got {costs.tolist()}")
    alarm, miss = costs[0][1] - costs[0][0], costs[1][0] - costs[1][1]
    if alarm < 0 or miss < 0 or alarm + miss == 0:
        raise DataError(f"expected costs of mistakes above those of being right, got {costs.tolist()}")
    return float(alarm / (alarm + miss))


# --- how sure a recall is ------------------------------------------------------------------------------------------------


def independent_rows(weights: np.ndarray | None, groups: np.ndarray | None, rows: int) -> float:
    """As how many independent rows some rows count: no more than their groups, nor than (sum w)^2 / sum w^2 (Kish 1965).

    Counting a group as one row is the careful end: as if the rows of a patient were all alike.
    """
    size = float(rows)
    if weights is not None and rows:
        size = min(size, float(np.sum(weights) ** 2 / np.sum(np.square(weights))))
    return min(size, float(len(np.unique(groups)))) if groups is not None else size


def recall_is_shown(bound: float, confidence: float, size: float) -> Merit:
    """Whether the one-sided lower Clopper-Pearson bound of the recall is `bound` or more.

    Args:
        bound: recall to show
        confidence: of the bound, 0.5..1
        size: as how many independent rows the positive ones count; not whole for an effective size (Korn and Graubard 1998)
    """
    level = 2 * confidence - 1  # each limit of a two-sided interval holds at (1 + level) / 2

    def merit(hits: np.ndarray, alarms: np.ndarray, positives: float, negatives: float) -> np.ndarray:
        low, _ = clopper_pearson(hits / positives * size, np.full(len(hits), size), level)
        return np.greater_equal(low, bound)

    return merit


def least_rows(bound: float, confidence: float) -> int:
    """The fewest rows with which finding all of them shows a recall of `bound`: the bound is then (1 - confidence)^(1 / n)."""
    return math.ceil(math.log(1 - confidence) / math.log(bound) - _TINY)
