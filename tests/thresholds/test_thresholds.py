"""Thresholds against brute force over every possible one, and against scikit-learn's ROC curve."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.metrics import roc_curve

from imbalkit.errors import DataError
from imbalkit.thresholds.best_g_mean import BestGMean
from imbalkit.thresholds.fixed import Fixed
from imbalkit.thresholds.target_recall import TargetRecall
from imbalkit.thresholds.youden import Youden


def rates(positives, probabilities, threshold):
    """Exact recall and false alarm rate."""
    called = probabilities >= threshold
    hits, alarms = int((called & positives).sum()), int((called & ~positives).sum())
    return Fraction(hits, int(positives.sum())), Fraction(alarms, int((~positives).sum()))


def every_operating_point(positives, probabilities):
    """Rates at each distinct probability, and with nothing called positive."""
    return [rates(positives, probabilities, value) for value in [*np.unique(probabilities), np.inf]]


@st.composite
def rows(draw):
    count = draw(st.integers(2, 40))
    positives = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    positives[:2] = True, False
    levels = draw(st.sampled_from([2, 5, 1000]))  # few levels: many ties
    values = draw(st.lists(st.integers(0, levels), min_size=count, max_size=count))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    return positives, (np.array(values) / levels).astype(kind)


@given(rows())
@settings(max_examples=300, deadline=None)
def test_youden_is_the_best_of_all(case):
    positives, probabilities = case
    chosen = Youden().choose(*case)
    recall, alarms = rates(positives, probabilities, chosen)
    best = max(point[0] - point[1] for point in every_operating_point(positives, probabilities))
    assert recall - alarms == best
    if best > 0:
        equal = [point[1] for point in every_operating_point(*case) if point[0] - point[1] == best]
        assert alarms == min(equal)


@given(rows())
@settings(max_examples=300, deadline=None)
def test_best_g_mean_is_the_best_of_all(case):
    recall, alarms = rates(*case, BestGMean().choose(*case))
    best = max(point[0] * (1 - point[1]) for point in every_operating_point(*case))
    assert recall * (1 - alarms) == best
    if best > 0:
        assert alarms == min(p[1] for p in every_operating_point(*case) if p[0] * (1 - p[1]) == best)


@given(rows(), st.sampled_from([0.01, 0.25, 0.5, 0.7, 0.9, 1.0]))
@settings(max_examples=300, deadline=None)
def test_target_recall_has_the_fewest_false_alarms(case, target):
    recall, alarms = rates(*case, TargetRecall(recall=target).choose(*case))
    assert float(recall) >= target
    assert alarms == min(point[1] for point in every_operating_point(*case) if float(point[0]) >= target)


def test_target_recall_is_exact_at_a_round_share():
    positives = np.array([True] * 100 + [False] * 100)
    probabilities = np.concatenate([np.linspace(0.99, 0.5, 100), np.linspace(0.4, 0.1, 100)])
    for hundredth in range(1, 101):
        chosen = TargetRecall(recall=hundredth / 100).choose(positives, probabilities)
        assert (probabilities[:100] >= chosen).sum() == hundredth


def test_youden_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    positives = rng.random(2000) < 0.1
    probabilities = np.clip(rng.normal(0.4, 0.15, 2000) + 0.2 * positives, 0, 1)
    false_alarms, recall, thresholds = roc_curve(positives, probabilities, drop_intermediate=False)
    best = thresholds[np.argmax(recall - false_alarms)]
    chosen = Youden().choose(positives, probabilities)
    assert np.array_equal(probabilities >= chosen, probabilities >= best)


def test_the_threshold_lies_half_way_to_the_next_lower_row():
    positives = np.array([True, True, False, False])
    assert Youden().choose(positives, np.array([0.9, 0.8, 0.4, 0.1])) == pytest.approx(0.6)
    assert TargetRecall(recall=1.0).choose(~positives, np.array([0.9, 0.8, 0.4, 0.3])) == pytest.approx(0.15)
    assert TargetRecall(recall=1.0).choose(~positives, np.array([0.9, 0.8, 0.4, 0.0])) == 0.0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_neighbouring_floats_are_told_apart(kind):
    low = kind(0.3)
    high = np.nextafter(low, kind(1))
    probabilities = np.array([high, low], dtype=kind)
    chosen = Youden().choose(np.array([True, False]), probabilities)
    assert (probabilities >= chosen).tolist() == [True, False]


def test_fixed_ignores_the_rows():
    assert Fixed().choose(np.zeros(0, dtype=bool), np.zeros(0)) == 0.5
    assert Fixed(value=0.2).choose(np.array([True]), np.array([0.9])) == 0.2
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        Fixed(value=1.5)
    with pytest.raises(ValidationError, match="greater than 0"):
        TargetRecall(recall=0)


@pytest.mark.parametrize("part", [Youden(), BestGMean(), TargetRecall()])
def test_rows_that_cannot_be_chosen_from(part):
    with pytest.raises(DataError, match="rows of both classes; got 2 positive and 0 negative"):
        part.choose(np.array([True, True]), np.array([0.1, 0.2]))
    with pytest.raises(DataError, match="got 0 positive and 0 negative"):
        part.choose(np.zeros(0, dtype=bool), np.zeros(0))
    for bad in (np.nan, 1.2, -0.1):
        with pytest.raises(DataError, match=r"probabilities in 0\.\.1"):
            part.choose(np.array([True, False]), np.array([bad, 0.2]))
