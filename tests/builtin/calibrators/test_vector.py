"""Vector scaling; its optimum is checked in tests/functional/test_calibration.py."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.builtin.calibrators.vector import Vector
from imbalkit.functional.metrics import softmax


def skewed(rows: int = 2000):
    """Logits whose first class is too low by 1.5 and whose second is twice too large."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(rows, 3))
    labels = (rng.random((rows, 1)) > softmax(true).cumsum(axis=1)[:, :-1]).sum(axis=1)
    return true * [1, 2, 1] - [1.5, 0, 0], labels, softmax(true)


def test_it_undoes_what_a_temperature_cannot():
    logits, labels, true = skewed()
    fitted = Vector().fit(logits, labels)
    assert fitted.scale == pytest.approx((1, 0.5, 1), abs=0.12)
    assert fitted.bias[0] - fitted.bias[1] == pytest.approx(1.5, abs=0.15)
    vector, temperature = softmax(fitted(logits)), softmax(Temperature().fit(logits, labels)(logits))
    assert np.abs(vector - true).mean() < 0.03 < np.abs(temperature - true).mean()
    assert log_loss(labels, vector) < log_loss(labels, temperature)


def test_it_is_restored_from_what_a_run_folder_keeps():
    logits, labels, _ = skewed(200)
    fitted = Vector().fit(logits, labels)
    assert Vector().restore(fitted.fitted) == fitted


def test_without_rows_of_each_class_the_logits_stay():
    logits, labels, _ = skewed(200)
    fitted = Vector().fit(logits[labels < 2], labels[labels < 2])
    assert (fitted.scale, fitted.bias) == ((1, 1, 1), (0, 0, 0))


def test_separable_rows_stay_within_the_bounds():
    fitted = Vector(largest=3.0).fit(np.eye(2)[[0, 1, 0]], np.array([0, 1, 0]))
    assert fitted.scale == pytest.approx((3, 3))
    assert max(map(abs, fitted.bias)) <= 3
