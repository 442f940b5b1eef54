"""Decisions of a card against those of a run with the same facts, and against plain Python."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imbalkit.decision.decision import Abstention, Decision
from imbalkit_lite.card import Abstain, Card, Input, Probabilities
from imbalkit_lite.decisions import abstains, decide

COSTS = ((0.0, 1.0, 2.0), (6.0, 0.5, 6.0), (1.0, 1.0, 0.0))
CARD = Card(
    name="x", classes=("a", "b", "c"), positive="b", input=Input(2, 2), probabilities=Probabilities("as trained")
)


@pytest.fixture(scope="module")
def logits():
    return np.random.default_rng(3).normal(0, 1.5, (400, 3))


def softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits)
    return raised / raised.sum(1, keepdims=True)


@pytest.mark.parametrize(
    "card, decision",
    [
        (CARD, Decision(None, positive=1)),
        (replace(CARD, positive=None), Decision(None)),
        (replace(CARD, threshold=0.2), Decision(0.2, positive=1)),
        (replace(CARD, threshold=0.7), Decision(0.7, positive=1)),
        (replace(CARD, costs=COSTS), Decision(None, costs=COSTS, positive=1)),
    ],
)
def test_the_decision_is_that_of_the_run(card, decision, logits):
    found = decide(softmax(logits).astype(np.float32), card)
    np.testing.assert_array_equal(found, decision.decide(logits))
    assert len(set(found.tolist())) > 1


@pytest.mark.parametrize(
    "card, decision",
    [
        (
            replace(CARD, abstain=Abstain(band=(0.2, 0.5))),
            Decision(0.3, abstention=Abstention("", (0.2, 0.5)), positive=1),
        ),
        (
            replace(CARD, positive=None, abstain=Abstain(least_confidence=0.6)),
            Decision(None, abstention=Abstention("", limit=0.4)),
        ),
        (
            replace(CARD, costs=COSTS, abstain=Abstain(expected_cost=0.5)),
            Decision(None, costs=COSTS, abstention=Abstention("", limit=0.5), positive=1),
        ),
    ],
)
def test_the_model_abstains_where_the_run_does(card, decision, logits):
    found = abstains(softmax(logits).astype(np.float32), card)
    np.testing.assert_array_equal(found, decision.abstains(logits))
    assert 0 < found.mean() < 1


def test_without_a_rule_the_model_always_answers(logits):
    found = abstains(softmax(logits), CARD)
    assert found.dtype == bool
    assert not found.any()
    assert len(found) == 400


@pytest.mark.parametrize(
    "card, row, expected",
    [
        (replace(CARD, threshold=0.25), [0.75, 0.25, 0.0], 1),  # from the threshold on
        (
            replace(CARD, threshold=0.25),
            [0.4, 0.2, 0.4],
            0,
        ),  # else the most probable of the others, the first of equals
        (replace(CARD, threshold=0.9), [0.1, 0.6, 0.3], 2),
        (replace(CARD, threshold=0.0), [1.0, 0.0, 0.0], 1),
        (CARD, [0.4, 0.4, 0.2], 0),
        (replace(CARD, costs=COSTS), [0.8, 0.15, 0.05], 1),  # 0.95, 0.925, 2.5
        (replace(CARD, costs=COSTS), [0.9, 0.1, 0.0], 0),  # 0.6, 0.95, 2.4
    ],
)
def test_a_row_by_hand(card, row, expected):
    assert decide(np.array([row], dtype=np.float32), card).tolist() == [expected]


def test_the_ends_of_a_band_and_of_a_confidence():
    probabilities = np.array([[0.75, 0.25, 0.0], [0.5, 0.5, 0.0], [0.76, 0.24, 0.0]], dtype=np.float32)
    assert abstains(probabilities, replace(CARD, abstain=Abstain(band=(0.25, 0.5)))).tolist() == [True, False, False]
    confident = replace(CARD, abstain=Abstain(least_confidence=0.75))
    assert abstains(probabilities, confident).tolist() == [False, True, False]
    paid = replace(CARD, costs=((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)), abstain=Abstain(expected_cost=0.25))
    assert abstains(probabilities, paid).tolist() == [False, True, False]


def test_a_threshold_is_not_rounded_to_the_files_precision():
    probability = np.float32(0.1)  # 0.10000000149
    row = np.array([[1 - probability, probability, 0]], dtype=np.float32)
    assert decide(row, replace(CARD, threshold=0.1)).tolist() == [1]
    assert decide(row, replace(CARD, threshold=0.100000002)).tolist() == [0]
    assert abstains(row, replace(CARD, abstain=Abstain(band=(0.100000002, 1)))).tolist() == [False]


def test_the_probabilities_are_left_as_they_were(logits):
    probabilities = softmax(logits)
    before = probabilities.copy()
    for card in (CARD, replace(CARD, threshold=0.5), replace(CARD, costs=COSTS)):
        decide(probabilities, card)
    np.testing.assert_array_equal(probabilities, before)
