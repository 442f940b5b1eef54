"""Leaving rows undecided: how uncertain a decision is, and what abstaining on the most uncertain gains and costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_EDGE = 1e-9  # a threshold of 0 or 1 makes no row uncertain; this near to it, rows still have an order


def uncertainty(
    probabilities: np.ndarray,
    threshold: float | None = None,
    positive: int | None = None,
    costs: np.ndarray | None = None,
) -> np.ndarray:
    """Expected cost of each row's decision, float64 [n]: the larger, the sooner to abstain (Chow 1970).

    With `costs` [C, C] (label down, decision across), the least expected cost. With a threshold t on the positive class, a
    false alarm costs t and a miss 1 - t, the costs to which t is the best answer (Elkan 2001): the uncertainty is largest at
    p = t, and the rows above a given one are a band around t. Otherwise the probability that the most probable class is wrong.

    Args:
        probabilities: float [n, C]
        threshold, positive: of the rule "positive from the threshold on"
        costs: cost of each decision for each label
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    result: np.ndarray
    if costs is not None:
        result = (probabilities @ np.asarray(costs, dtype=np.float64)).min(axis=1)
    elif threshold is None or positive is None:
        result = 1.0 - probabilities.max(axis=1)
    else:
        edge = np.clip(threshold, _EDGE, 1 - _EDGE)
        p = probabilities[:, positive]
        result = np.minimum(p * (1 - edge), (1 - p) * edge)
    return result


def uncertainty_band(limit: float, threshold: float) -> tuple[float, float]:
    """The positive probabilities (low, high) between which the `uncertainty` at a threshold exceeds the limit."""
    edge = float(np.clip(threshold, _EDGE, 1 - _EDGE))
    return min(limit / (1 - edge), 1.0), max(1 - limit / edge, 0.0)


def limit_for_coverage(uncertainties: np.ndarray, coverage: float, weights: np.ndarray | None = None) -> float:
    """The uncertainty up to which rows are decided so that at least the share `coverage` of them is.

    It lies half-way to the next larger one, so that rounding does not move rows across it; equally uncertain rows stay together.

    Args:
        uncertainties: float [n], n >= 1
        coverage: share of the rows, or of their weight, to decide, 0..1
        weights: of the rows, float [n]; None for 1
    """
    order = np.argsort(uncertainties, kind="stable")
    ranked = np.asarray(uncertainties, dtype=np.float64)[order]
    decided = np.cumsum(np.ones(len(ranked)) if weights is None else np.asarray(weights, dtype=np.float64)[order])
    last = int(np.argmax(decided >= coverage * decided[-1] * (1 - 1e-12)))
    above = ranked[ranked > ranked[last]]
    return float((ranked[last] + above[0]) / 2) if len(above) else float("inf")


@dataclass(frozen=True)
class RiskCoverage:
    """What is undecided and what is wrong as fewer rows are decided; one entry a distinct uncertainty, most rows first.

    Attributes:
        coverage: share of the rows that is decided, float [k], falling from 1
        error: share of the decided rows that is wrong, float [k]
        decided: rows decided, int [k]
        rejected_positives: rows of the positive class among those that are not decided, int [k]
        missed_positives: rows of the positive class decided as another, int [k]
        positives: rows of the positive class in all
    """

    coverage: np.ndarray
    error: np.ndarray
    decided: np.ndarray
    rejected_positives: np.ndarray
    missed_positives: np.ndarray
    positives: int

    @property
    def area(self) -> float:
        """Mean error over the number of decided rows, AURC (Geifman and El-Yaniv 2019); equally uncertain rows count alike."""
        rows = -np.diff(np.append(self.decided, 0))
        return float(self.error @ rows / rows.sum()) if rows.sum() else float("nan")


def risk_coverage(
    labels: np.ndarray, decisions: np.ndarray, uncertainties: np.ndarray, positive: int | None = None
) -> RiskCoverage:
    """The curve of error against coverage when the most uncertain rows are left undecided first.

    A low error alone is no merit where the rows left undecided are those of the class that must not be missed: they are counted.

    Args:
        labels, decisions: int [n]
        uncertainties: float [n], as `uncertainty`
        positive: code of the positive class; None counts none
    """
    order = np.argsort(uncertainties, kind="stable")
    ranked = np.asarray(uncertainties)[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])[::-1]
    wrong = np.cumsum(labels[order] != decisions[order])[last]
    is_positive = np.asarray(labels)[order] == positive if positive is not None else np.zeros(len(ranked), dtype=bool)
    found = np.cumsum(is_positive)[last]
    missed = np.cumsum(is_positive & (labels[order] != decisions[order]))[last]
    decided = last + 1
    total = int(is_positive.sum())
    return RiskCoverage(
        coverage=decided / max(len(ranked), 1),
        error=wrong / decided,
        decided=decided,
        rejected_positives=total - found,
        missed_positives=missed,
        positives=total,
    )
