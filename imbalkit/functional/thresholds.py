"""Choosing an operating point exactly, over every threshold that tells rows apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imbalkit.errors import DataError
from imbalkit.functional.metrics import operating_points

Merit = Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]


def best_threshold(positives: np.ndarray, probabilities: np.ndarray, merit: Merit) -> float:
    """The threshold of largest merit; of several, the highest, which has the fewest false alarms.

    It lies half-way between the lowest probability that is called positive and the next lower one (or 0), so that
    rounding on another device does not move validation rows across it.

    Args:
        positives: bool [n]
        probabilities: of the positive class, float [n], 0..1
        merit: from true positives int64 [k], false positives int64 [k], and how many positive and negative rows there
            are, to a merit [k]

    Raises:
        DataError: no rows of one class, or a probability outside 0..1
    """
    positives, probabilities = np.asarray(positives, dtype=np.bool_), np.asarray(probabilities)
    if positives.all() or not positives.any():
        raise DataError(
            f"a threshold needs validation rows of both classes; got {int(positives.sum())} positive and "
            f"{int((~positives).sum())} negative ones"
        )
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataError(
            "a threshold needs probabilities in 0..1; got others, or NaN: the model's logits are not finite"
        )
    values, hits, alarms = operating_points(positives, probabilities)
    best = int(np.argmax(merit(hits, alarms, int(hits[-1]), int(alarms[-1]))))
    upper = values[best]
    lower = values[best + 1] if best + 1 < len(values) else values.dtype.type(0)
    middle = lower + (upper - lower) / 2  # in the probabilities' own precision
    return float(middle if lower < middle else upper)
