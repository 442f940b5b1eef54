"""Probabilities of several models at one class prior."""

import numpy as np
import pytest
from scipy.special import softmax

from imbalkit.builtin.losses import LDAM
from imbalkit.decision.common_prior import Trained, alike, at_data_prior, share_a_shift, without_prevalence
from imbalkit.decision.corrections import PREVALENCE, PRIOR, corrected, offset
from imbalkit.decision.decision import Decision

DATA, BALANCED = np.array([0.9, 0.1]), np.array([0.5, 0.5])
LOGITS = np.random.default_rng(0).normal(size=(20, 2))


def prior(effective=BALANCED, exact=True, entries=({"stage": "loss inverse_ce"},), shifted=True):
    named = [None if shares is None else dict(zip("ab", shares, strict=True)) for shares in (DATA, effective)]
    return {"data": named[0], "effective": named[1], "exact": exact, "shifted": shifted, "entries": list(entries)}


def test_an_exact_shift_of_training_is_undone_by_the_shares():
    found = at_data_prior(Trained("m", Decision(), prior()))
    odds = softmax(LOGITS, axis=1) * DATA / BALANCED
    expected = odds / odds.sum(axis=1, keepdims=True)
    assert softmax(corrected(LOGITS, found.corrections), axis=1) == pytest.approx(expected)


def test_a_restored_decision_stays_but_for_the_stated_prevalence():
    steps = (offset(PRIOR, BALANCED, DATA), offset(PREVALENCE, DATA, np.array([0.99, 0.01])))
    decision = Decision(corrections=steps, prior="stated")
    assert at_data_prior(Trained("m", decision, prior())).corrections == steps[:1]
    assert without_prevalence(decision).corrections == steps[:1]


def test_what_cannot_be_worked_out_is_none():
    assert at_data_prior(Trained("m", Decision(), prior(exact=False))) is None
    assert at_data_prior(Trained("m", Decision(), None)) is None
    mapped = prior(entries=[{"stage": "loss gone", "map": {"margins": [0.1, 0.2]}}])
    assert at_data_prior(Trained("m", Decision(), mapped, [LDAM()])) is None


def test_models_trained_alike_share_their_shift():
    near = Trained("n", Decision(), prior(np.array([0.51, 0.49])))
    assert share_a_shift([Trained("m", Decision(), prior()), near])
    others = [
        Trained("data", Decision(prior="data"), prior()),
        Trained("other shares", Decision(), prior(np.array([0.7, 0.3]))),
        Trained("other parts", Decision(), prior(entries=[{"stage": "order balanced"}])),
        Trained("calibrated to validation", Decision(), prior(), refitted=True),
        Trained("unknown", Decision(), prior(None, exact=False)),
    ]
    for other in others:
        assert not share_a_shift([Trained("m", Decision(), prior()), other])


def test_shares_of_folds_are_alike():
    assert alike(np.array([0.9, 0.1]), np.array([0.895, 0.105]))
    assert not alike(np.array([0.9, 0.1]), np.array([0.8, 0.2]))
    assert not alike(np.array([0.9, 0.1]), None)
