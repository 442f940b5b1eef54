"""Operating points that a page carries."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from imbalkit.report.operating_points import OperatingPoints


def scores(n=3000, seed=0):
    random = np.random.default_rng(seed)
    positives = random.random(n) < 0.1
    return positives, np.round(random.beta(1 + 2 * positives, 3), 3)


def counts(points, threshold):
    """What the page's script looks up."""
    above = int((points.thresholds >= threshold).sum())
    return (int(points.hits[above - 1]), int(points.alarms[above - 1])) if above else (0, 0)


@pytest.mark.parametrize("threshold", [0.0, 0.1234, 0.5, 0.999, 1.0])
def test_between_two_thresholds_nothing_changes(threshold):
    positives, probabilities = scores()
    points = OperatingPoints.of(positives, probabilities)
    predicted = probabilities >= threshold
    assert counts(points, threshold) == ((predicted & positives).sum(), (predicted & ~positives).sum())
    assert not points.thinned


def test_of_very_many_some_are_kept_with_their_right_counts():
    random = np.random.default_rng(0)
    positives = random.random(50_000) < 0.02
    probabilities = random.beta(1 + 3 * positives, 4)
    keep = float(np.quantile(probabilities, 0.8)) + 1e-9
    points = OperatingPoints.of(positives, probabilities, keep, most=400)
    assert points.thinned
    assert len(points.thresholds) <= 405
    assert (np.diff(points.thresholds) < 0).all()
    for threshold in points.thresholds[[0, 57, 200, -1]]:
        predicted = probabilities >= threshold
        assert counts(points, threshold) == ((predicted & positives).sum(), (predicted & ~positives).sum())
    predicted = probabilities >= keep
    assert counts(points, keep) == ((predicted & positives).sum(), (predicted & ~positives).sum())
    # Evenly along the curve: no step of more than a fiftieth on either axis.
    assert np.diff(points.hits / positives.sum()).max() < 0.02
    assert np.diff(points.alarms / (~positives).sum()).max() < 0.02


def test_the_arrays_come_back_from_their_text():
    points = OperatingPoints.of(*scores())
    facts = points.to_json()
    for name, dtype in (("thresholds", "<f8"), ("hits", "<u4"), ("alarms", "<u4")):
        assert np.array_equal(np.frombuffer(base64.b64decode(facts[name]), dtype), getattr(points, name))
