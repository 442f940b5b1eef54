"""Post-hoc logit adjustment: deciding by argmax_c (log p_c - tau log pi_c), and choosing tau (Menon et al. 2021, eq. 9).

As argmax_c p_c pi_c^-tau it is the class of least expected cost where missing a row of class c costs pi_c^-tau (Elkan 2001).
pi is the prior that the probabilities p are for: with tau = 1 it is the most probable class at equal shares.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imbalkit.errors import DataError
from imbalkit.functional.metrics import confusion_matrix

TAUS = np.arange(61) / 20  # 0 to 3


def miss_costs(prior: np.ndarray, tau: float) -> np.ndarray:
    """What missing a row of each class costs, pi_c^-tau as multiples of the most frequent class's, float64 [C].

    A class without a share, which nothing was learned of, costs as much as the most frequent one.
    """
    prior = np.asarray(prior, dtype=np.float64)
    most = prior.max()
    result: np.ndarray = (np.where(prior > 0, prior, most) / most) ** -tau
    return result


def adjustment_costs(prior: np.ndarray, tau: float) -> np.ndarray:
    """`miss_costs` as a matrix, label down and decision across, 0 for being right, float64 [C, C]."""
    costs = np.repeat(miss_costs(prior, tau)[:, None], len(prior), axis=1)
    np.fill_diagonal(costs, 0.0)
    return costs


def best_tau(
    labels: np.ndarray,
    probabilities: np.ndarray,
    prior: np.ndarray,
    merit: Callable[[np.ndarray], np.ndarray],
    weights: np.ndarray | None = None,
) -> float:
    """The tau of `TAUS` with the largest merit; of equals that nearest to 1, then the smaller.

    Args:
        labels: int [n]
        probabilities: float [n, C]
        prior: shares of the classes that the probabilities are for, [C]
        merit: of confusion matrices [..., C, C], such as imbalkit.functional.metrics.balanced_accuracy
        weights: what each row counts, float [n]; None for 1

    Raises:
        DataError: rows of fewer than two classes
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if len(np.unique(labels)) < 2:
        raise DataError(
            f"tau needs validation rows of two classes or more; there are {len(labels):,} of {len(np.unique(labels))}"
        )
    counted = None if weights is None else np.asarray(weights, dtype=np.float64)[None]
    tables = [
        confusion_matrix(labels, (probabilities * miss_costs(prior, tau)).argmax(axis=1), len(prior), counted)
        for tau in TAUS
    ]
    # Sums of weights that should be equal differ by less than the 12th digit.
    merits = np.round(merit(np.stack(tables).reshape(len(TAUS), len(prior), len(prior))), 12)
    best = TAUS[merits == merits.max()]
    return float(best[np.abs(best - 1).argmin()])
