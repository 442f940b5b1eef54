"""Affine fits against scikit-learn's unpenalised logistic regression and a general optimiser; reliability by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from imbalkit.functional.calibration import Affine, fit_affine, log_odds, reliability_bins
from imbalkit.functional.metrics import softmax


def sampled(classes: int, rows: int = 3000, seed: int = 0):
    """Logits, and labels drawn from other ones: scaled by class and moved."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, classes)) * 2
    true = logits * np.linspace(0.4, 0.8, classes) + np.linspace(1, -1, classes)
    labels = (rng.random((rows, 1)) > softmax(true).cumsum(axis=1)[:, :-1]).sum(axis=1)
    return logits, labels


def test_one_scale_of_two_classes_is_platts_regression():
    logits, labels = sampled(2)
    difference = logits[:, 1:] - logits[:, :1]
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(difference, labels)
    found = fit_affine(logits, labels, per_class=False)
    assert found.scale[0] == found.scale[1] == pytest.approx(reference.coef_[0, 0], rel=1e-4)
    assert found.bias[1] - found.bias[0] == pytest.approx(reference.intercept_[0], abs=1e-4)


def test_a_scale_a_class_of_two_classes_is_a_regression_on_both_logits():
    logits, labels = sampled(2)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits, labels)
    found = fit_affine(logits, labels, per_class=True)
    assert [-found.scale[0], found.scale[1]] == pytest.approx(reference.coef_[0], rel=1e-3)
    assert softmax(found(logits)) == pytest.approx(reference.predict_proba(logits), abs=1e-4)


@pytest.mark.parametrize("per_class", [False, True])
def test_many_classes_against_a_general_optimiser(per_class):
    logits, labels = sampled(4, rows=800)
    scales = 4 if per_class else 1

    def loss(parameters):
        return log_loss(
            labels, softmax(logits * parameters[:scales] + np.append(0, parameters[scales:])), labels=range(4)
        )

    start = np.concatenate([np.ones(scales), np.zeros(3)])
    reference = minimize(loss, start, method="BFGS", options={"gtol": 1e-7})
    found = fit_affine(logits, labels, per_class)
    assert log_loss(labels, softmax(found(logits))) <= reference.fun + 1e-8
    assert softmax(found(logits)) == pytest.approx(
        softmax(logits * reference.x[:scales] + np.append(0, reference.x[scales:])), abs=2e-3
    )
    assert len(set(found.scale)) == scales
    assert sum(found.bias) == pytest.approx(0, abs=1e-5)


def test_the_mean_probability_is_the_share_of_each_class():
    """So a bias brings the probabilities to the class shares of the rows that it was fitted on."""
    logits, labels = sampled(4)
    for per_class in (False, True):
        mean = softmax(fit_affine(logits, labels, per_class)(logits)).mean(axis=0)
        assert mean == pytest.approx(np.bincount(labels) / len(labels), abs=1e-5)


def test_separable_rows_stop_at_the_bounds():
    logits, labels = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 0.0]]), np.array([0, 1, 0])
    found = fit_affine(logits, labels, per_class=False, largest=10.0)
    assert found.scale[0] == pytest.approx(10)
    assert np.isfinite(softmax(found(logits * 1e4))).all()


def test_a_constant_on_all_logits_of_a_row_changes_nothing_with_one_scale():
    logits, labels = sampled(3, rows=300)
    moved = logits + np.linspace(-5000, 5000, 300)[:, None]
    one, other = fit_affine(logits, labels, False), fit_affine(moved, labels, False)
    assert one.scale == pytest.approx(other.scale, rel=1e-4)
    assert one.bias == pytest.approx(other.bias, abs=1e-4)


def test_an_affine_step_from_what_a_run_folder_keeps():
    step = Affine((2.0, 3.0), (0.5, -0.5))
    assert Affine.of(step.fitted) == step
    assert step(np.array([[1.0, 1.0]])).tolist() == [[2.5, 2.5]]


def test_log_odds():
    logits = np.random.default_rng(0).normal(size=(20, 4)) * 3
    p = softmax(logits)
    assert log_odds(logits) == pytest.approx(np.log(p / (1 - p)))
    two = np.array([[0.0, 800.0], [800.0, 0.0]])
    assert log_odds(two).tolist() == [[-800.0, 800.0], [800.0, -800.0]]


def test_reliability_bins_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities = rng.beta(0.5, 2, 3000)
    positives = rng.random(3000) < probabilities**1.3
    bins = reliability_bins(positives, probabilities, bins=10)
    observed, mean = calibration_curve(positives, probabilities, n_bins=10)
    assert [entry["observed"] for entry in bins] == pytest.approx(observed)
    assert [entry["mean_probability"] for entry in bins] == pytest.approx(mean)
    assert sum(entry["n"] for entry in bins) == 3000
    assert all(entry["low"] <= entry["mean_probability"] <= entry["high"] for entry in bins)


def test_bins_without_rows_are_left_out_and_one_is_in_the_last():
    bins = reliability_bins(np.array([True, False, True]), np.array([1.0, 0.0, 0.95]), bins=5)
    assert [(entry["low"], entry["high"], entry["n"]) for entry in bins] == [(0.0, 0.2, 1), (0.8, 1.0, 2)]
    assert reliability_bins(np.zeros(0, dtype=bool), np.zeros(0)) == []
