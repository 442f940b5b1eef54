"""From probabilities to decisions, by the card."""

from __future__ import annotations

import numpy as np

from imbalkit_lite.card import Card


def decide(probabilities: np.ndarray, card: Card) -> np.ndarray:
    """Class codes, int64 [n], of probabilities [n, C]; of equals the first class.

    With costs, the class of least expected cost, argmin over j of sum over i of p_i costs[i][j] (Elkan 2001). With a
    threshold, the positive class from it on, else the most probable of the others. Otherwise the most probable class.
    """
    if card.costs is not None:
        return expected_costs(probabilities, card).argmin(axis=1)
    if card.threshold is None:
        return probabilities.argmax(axis=1)
    place, others = card.positive_index, np.array(probabilities, dtype=np.float64)
    assert place is not None  # a card with a threshold has a positive class
    positive = others[:, place] >= card.threshold  # in float64: NumPy would round the threshold to float32
    others[:, place] = -np.inf
    return np.where(positive, np.int64(place), others.argmax(axis=1))


def abstains(probabilities: np.ndarray, card: Card) -> np.ndarray:
    """Whether the model abstains, bool [n], for probabilities [n, C]."""
    rule, probabilities = card.abstain, np.asarray(probabilities, dtype=np.float64)
    if rule is None:
        return np.zeros(len(probabilities), dtype=np.bool_)
    if rule.band is not None:
        positive = probabilities[:, card.positive_index]
        return (rule.band[0] <= positive) & (positive < rule.band[1])
    if rule.least_confidence is not None:
        return probabilities.max(axis=1) < rule.least_confidence
    return expected_costs(probabilities, card).min(axis=1) > rule.expected_cost


def expected_costs(probabilities: np.ndarray, card: Card) -> np.ndarray:
    """Of predicting each class, float64 [n, C], for probabilities [n, C]."""
    return np.asarray(probabilities, dtype=np.float64) @ np.array(card.costs)
