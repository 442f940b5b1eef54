"""Temperature scaling against a fine grid and a known temperature."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.decision.fit import fit_decision
from imbalkit.decision.settings import DecisionSettings
from imbalkit.functional.metrics import softmax


def sampled(temperature: float, rows: int = 4000, classes: int = 3):
    """Logits that are `temperature` times too large for the labels drawn from them."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(rows, classes)) * 1.5
    cumulated = softmax(logits).cumsum(axis=1)
    labels = (rng.random((rows, 1)) > cumulated[:, :-1]).sum(axis=1)
    return logits * temperature, labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_found(temperature):
    fitted = Temperature().fit(*sampled(temperature))
    assert fitted.temperature == pytest.approx(temperature, rel=0.06)


def test_no_temperature_of_a_grid_is_better():
    logits, labels = sampled(2.0, rows=300)
    fitted = Temperature().fit(logits, labels)
    ours = log_loss(labels, softmax(fitted(logits)))
    grid = np.concatenate([np.geomspace(0.05, 20, 400), fitted.temperature * np.array([0.99, 1.01])])
    assert ours <= min(log_loss(labels, softmax(logits / value)) for value in grid) + 1e-9


def test_ranking_and_decisions_stay():
    logits, labels = sampled(3.0, rows=200)
    calibrated = Temperature().fit(logits, labels)(logits)
    assert np.array_equal(calibrated.argmax(axis=1), logits.argmax(axis=1))
    order = np.argsort(logits[:, 1] - logits[:, 0])
    assert (np.diff((calibrated[:, 1] - calibrated[:, 0])[order]) >= 0).all()


def test_separable_rows_stop_at_the_bound_and_none_change_nothing():
    logits, labels = np.array([[2.0, 0.0], [0.0, 2.0]]), np.array([0, 1])
    assert Temperature(largest=10.0).fit(logits, labels).temperature == pytest.approx(0.1, rel=1e-3)
    assert Temperature(largest=10.0).fit(logits, 1 - labels).temperature == pytest.approx(10.0, rel=1e-3)
    assert Temperature().fit(logits[:0], labels[:0]).temperature == 1.0
    assert Temperature().fit(np.zeros((5, 2)), np.zeros(5, dtype=int)).temperature == 1.0
    huge = Temperature().fit(logits.astype(np.float32) * 1e4, labels)
    assert np.isfinite(huge(logits)).all()


def test_it_is_restored_from_what_a_run_folder_keeps():
    logits, labels = sampled(3.0, rows=200)
    fitted = Temperature().fit(logits, labels)
    assert Temperature().restore(fitted.fitted) == fitted
    assert fitted.affine == (1 / fitted.temperature, 0.0)


def test_a_constant_on_all_logits_of_a_row_changes_nothing():
    logits, labels = sampled(2.0, rows=200)
    moved = logits + np.linspace(-5000, 5000, 200)[:, None]
    assert Temperature().fit(moved, labels).temperature == pytest.approx(Temperature().fit(logits, labels).temperature)


def test_a_temperature_at_its_limit_is_noted():
    labels = np.arange(200) % 2
    noise = np.random.default_rng(0).normal(size=(200, 2))
    against = np.where(np.eye(2)[labels] > 0, -3.0, 3.0) + noise  # wrong, and sure of it
    sure = np.where(np.eye(2)[labels] > 0, 0.1, -0.1)
    temperature = Temperature()
    for logits, limit in ((against, "its limit, 20: "), (sure, "its limit, 1 / 20: ")):
        (note,) = temperature.notes(temperature.fit(logits, labels).fitted)
        assert limit in note
        settings = DecisionSettings(calibrator=temperature, prior="as_trained")
        assert note in fit_decision(logits, labels, settings, None).notes
    assert temperature.notes(temperature.fit(sure * 10 + noise, labels).fitted) == []
