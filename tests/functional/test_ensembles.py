"""Means of models' probabilities, and how much models differ."""

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import pearsonr

from imbalkit.functional.ensembles import disagreement, log_mean, log_softmax, pairs, score_correlation

LOGITS = np.random.default_rng(0).normal(scale=3, size=(4, 30, 3))


def test_log_mean_is_that_of_the_probabilities():
    expected = np.log(softmax(LOGITS, axis=-1).mean(axis=0))
    assert log_mean(LOGITS) == pytest.approx(expected, abs=1e-12)
    assert np.exp(log_mean(LOGITS)).sum(axis=1) == pytest.approx(1)


def test_a_row_is_of_the_models_that_count_for_it():
    counted = np.random.default_rng(1).random((4, 30)) < 0.5
    counted[:, 0], counted[:, 1] = False, [True, False, False, False]
    found = log_mean(np.where(counted[..., None], LOGITS, np.nan), counted)
    assert np.isnan(found[0]).all()
    assert found[1] == pytest.approx(log_softmax(LOGITS[0, 1]))
    for row in range(2, 30):
        some = LOGITS[counted[:, row], row]
        if len(some):
            assert np.exp(found[row]) == pytest.approx(softmax(some, axis=-1).mean(axis=0))


def test_probabilities_that_round_to_nothing_stay_apart():
    logits = np.array([[[0.0, -2000.0]], [[0.0, -1000.0]]])
    assert log_mean(logits)[0] == pytest.approx([0, logsumexp([-2000, -1000]) - np.log(2)])


def test_log_mean_gives_a_loss_of_at_most_the_mean_loss():
    labels = np.random.default_rng(2).integers(0, 3, 30)
    rows = np.arange(30)
    of_mean = -log_mean(LOGITS)[rows, labels].mean()
    assert of_mean <= np.mean([-log_softmax(each)[rows, labels].mean() for each in LOGITS])


def test_pairs_differ_by_their_decisions_and_scores():
    decisions, scores = LOGITS.argmax(axis=-1), softmax(LOGITS, axis=-1)[..., 0]
    assert pairs(4) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for place, (a, b) in enumerate(pairs(4)):
        assert disagreement(decisions)[place] == np.mean(decisions[a] != decisions[b])
        assert score_correlation(scores)[place] == pytest.approx(pearsonr(scores[a], scores[b]).statistic)


def test_constant_scores_have_no_correlation():
    assert np.isnan(score_correlation(np.stack([np.ones(5), np.arange(5.0)]))).all()
