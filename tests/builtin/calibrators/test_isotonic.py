"""Isotonic calibration against scikit-learn's CalibratedClassifierCV."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from imbalkit.builtin.calibrators.isotonic import Isotonic
from imbalkit.functional.calibration import log_odds
from imbalkit.functional.metrics import softmax


class LogOdds(LogisticRegression):
    """A fitted classifier whose decision function is the log odds of logits given as features."""

    def fit(self, logits, labels):
        self.classes_, self.n_features_in_ = np.unique(labels), logits.shape[1]
        self.coef_ = np.zeros((1, 1))  # counts as fitted
        return self

    def decision_function(self, logits):
        odds = log_odds(logits)
        return odds[:, 1] if logits.shape[1] == 2 else odds


def rows(classes: int, count: int = 800, seed: int = 0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    return rng.normal(size=(count, classes)) * 2 + 1.5 * np.eye(classes)[labels], labels


def test_two_classes_are_those_of_scikit_learn():
    logits, labels = rows(2)
    other, _ = rows(2, seed=1)
    reference = CalibratedClassifierCV(FrozenEstimator(LogOdds().fit(logits, labels)), method="isotonic")
    reference.fit(logits, labels)
    fitted = Isotonic().fit(logits, labels)
    edge = 1 / (len(labels) + 2)
    for given in (logits, other):
        expected = np.clip(reference.predict_proba(given), edge, 1 - edge)
        assert softmax(fitted(given)) == pytest.approx(expected, abs=2e-3)
        assert np.median(np.abs(softmax(fitted(given)) - expected)) < 1e-12


def test_many_classes_are_those_of_scikit_learn_where_no_curve_is_at_an_end():
    logits, labels = rows(4, 3000)
    other, _ = rows(4, 3000, seed=1)
    reference = CalibratedClassifierCV(FrozenEstimator(LogOdds().fit(logits, labels)), method="isotonic")
    reference.fit(logits, labels)
    expected = reference.predict_proba(other)
    ours = softmax(Isotonic().fit(logits, labels)(other))
    inner = (expected > 0).all(axis=1) & (expected < 0.98).all(axis=1)
    assert inner.sum() > 300
    assert ours[inner] == pytest.approx(expected[inner], abs=2e-3)


def test_no_probability_is_surer_than_the_rows_can_tell():
    logits, labels = np.array([[3.0, 0.0], [0.0, 3.0]]), np.array([0, 1])
    assert softmax(Isotonic().fit(logits, labels)(logits * 100)) == pytest.approx(
        np.array([[0.75, 0.25], [0.25, 0.75]])
    )
    for classes in (2, 3):
        logits, labels = rows(classes)
        assert np.isfinite(Isotonic().fit(logits, labels)(logits * 1e3)).all()


def test_it_mends_a_shape_that_no_scale_can():
    rng = np.random.default_rng(0)
    p = rng.random(5000)
    labels = (rng.random(5000) < p**4).astype(int)
    logits = np.log(np.stack([1 - p, p], axis=1))
    out = softmax(Isotonic().fit(logits, labels)(logits))[:, 1]
    assert np.abs(out - p**4).mean() < 0.03
    assert brier_score_loss(labels, out) < brier_score_loss(labels, p)
    assert (np.diff(out[np.argsort(p)]) >= -1e-12).all()


def test_it_is_restored_from_what_a_run_folder_keeps():
    for classes in (2, 3):
        logits, labels = rows(classes)
        fitted = Isotonic().fit(logits, labels)
        again = Isotonic().restore(json.loads(json.dumps(fitted.fitted)))
        assert again == fitted
        assert np.array_equal(again(logits), fitted(logits))
