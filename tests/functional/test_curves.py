"""Curves and their bands against scikit-learn, on rows that are really repeated."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from imbalkit.functional.bootstrap import draw_weights
from imbalkit.functional.curves import (
    cost_curve,
    decision_band,
    decision_curve,
    precision_recall_band,
    precision_recall_points,
    roc_band,
    roc_points,
)
from imbalkit.functional.usefulness import net_benefit

GRID = np.linspace(0, 1, 21)


@pytest.fixture(params=[1, 6], ids=["ties", "no ties"])
def rows(request):
    rng = np.random.default_rng(3)
    positives = rng.random(120) < 0.25
    return positives, np.round(1 / (1 + np.exp(-rng.normal(positives * 1.5, 1.0))), request.param)


def repeated(positives, scores, weights):
    return [(np.repeat(positives, times), np.repeat(scores, times)) for times in weights.astype(int)]


def test_points_are_those_of_scikit_learn(rows):
    alarms, recalls, thresholds = roc_points(*rows)
    expected = roc_curve(*rows, drop_intermediate=False)
    for ours, theirs in zip((alarms, recalls, thresholds), expected, strict=True):
        assert ours == pytest.approx(theirs)
    precision, recall, thresholds = precision_recall_curve(*rows)
    ours = precision_recall_points(*rows)
    for found, theirs in zip(ours, (recall[:-1], precision[:-1], thresholds), strict=True):
        assert found == pytest.approx(theirs[::-1])


def test_the_roc_band_is_of_curves_that_are_interpolated(rows):
    weights = draw_weights(120, 60, np.random.default_rng(0))
    curves = []
    for positives, scores in repeated(*rows, weights):
        alarms, recalls, _ = roc_curve(positives, scores, drop_intermediate=False)
        curves.append(np.interp(GRID, alarms, recalls))
    low, high = roc_band(*rows, weights, GRID, level=0.9)
    expected = np.quantile(curves, [0.05, 0.95], axis=0)
    assert low == pytest.approx(expected[0])
    assert high == pytest.approx(expected[1])
    assert high[-1] == low[-1] == 1


def test_where_a_curve_rises_straight_up_its_top_counts():
    positives = np.array([True, True, False, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    low, high = roc_band(positives, scores, np.ones((1, 5), dtype=np.float32), np.array([0.0, 0.25, 0.5, 1.0]))
    assert low == pytest.approx(high)
    assert low == pytest.approx([2 / 3, 2 / 3, 1.0, 1.0])


def test_the_precision_recall_band_takes_the_first_point_that_reaches_a_recall(rows):
    weights = draw_weights(120, 60, np.random.default_rng(0))
    curves = []
    for positives, scores in repeated(*rows, weights):
        precision, recall, _ = precision_recall_curve(positives, scores)
        precision, recall = precision[:-1][::-1], recall[:-1][::-1]  # from the highest threshold down
        curves.append([precision[np.argmax((recall >= wanted - 1e-12) & (recall > 0))] for wanted in GRID])
    low, high = precision_recall_band(*rows, weights, GRID)
    expected = np.quantile(curves, [0.025, 0.975], axis=0)
    assert low == pytest.approx(expected[0])
    assert high == pytest.approx(expected[1])


def test_the_decision_curve_is_counted(rows):
    positives, scores = rows
    grid = np.array([0.05, 0.3, 0.6])
    found = decision_curve(positives, scores, grid)
    for value, threshold in zip(found, grid, strict=True):
        called = scores >= threshold
        counted = (called & positives).sum() - (called & ~positives).sum() * threshold / (1 - threshold)
        assert value == pytest.approx(counted / 120)
    everybody = decision_curve(positives, np.ones(120), grid)
    assert everybody == pytest.approx(net_benefit(positives.mean(), 1 - positives.mean(), grid))
    weights = draw_weights(120, 40, np.random.default_rng(0))
    curves = [decision_curve(*own, grid) for own in repeated(positives, scores, weights)]
    assert decision_curve(positives, scores, grid, weights) == pytest.approx(np.array(curves))
    assert np.array(decision_band(positives, scores, weights, grid)) == pytest.approx(
        np.quantile(curves, [0.025, 0.975], axis=0)
    )


def test_the_cost_curve_is_the_least_cost_of_any_threshold(rows):
    positives, scores = rows
    found = cost_curve(positives, scores, GRID)
    for value, share in zip(found, GRID, strict=True):
        costs = [
            (scores[positives] < t).mean() * share + (scores[~positives] >= t).mean() * (1 - share)
            for t in np.append(scores, 2.0)
        ]
        assert value == pytest.approx(min(costs))
    assert found[0] == found[-1] == 0  # never to call, or always to
    assert (found <= np.minimum(GRID, 1 - GRID) + 1e-12).all()


def test_undefined_bands_are_nan():
    positives, scores = np.arange(30) == 3, np.linspace(0, 1, 30)
    weights = draw_weights(30, 200, np.random.default_rng(0))  # a third of them lack the one positive row
    for band in (roc_band, precision_recall_band):
        assert np.isnan(band(positives, scores, weights, GRID)).all()
        assert np.isnan(band(np.zeros(30, dtype=bool), scores, weights, GRID)).all()
    assert np.isnan(cost_curve(np.zeros(30, dtype=bool), scores, GRID)).all()


def test_bands_do_not_depend_on_how_many_resamples_are_held_at_a_time(rows, monkeypatch):
    from imbalkit.functional import curves

    weights = draw_weights(120, 50, np.random.default_rng(0))
    whole = roc_band(*rows, weights, GRID)
    monkeypatch.setattr(curves, "BLOCK", 1000)
    assert np.array(roc_band(*rows, weights, GRID)) == pytest.approx(np.array(whole))
