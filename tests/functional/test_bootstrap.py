"""Weighted figures against scikit-learn on rows that are really repeated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from imbalkit.functional.bootstrap import (
    draw_weights,
    mean_of,
    miss_rate_at,
    percentile_interval,
    roc_auc,
    two_sided_p,
)


def sample(seed, n=60, ties=True):
    rng = np.random.default_rng(seed)
    positives = rng.random(n) < 0.3
    positives[:2] = [True, False]
    scores = rng.normal(size=n) + positives
    return positives, np.round(scores, 1) if ties else scores, rng


def test_each_stratum_keeps_its_size_and_rows_are_drawn_evenly():
    strata = np.array([0] * 10 + [1] * 30 + [2])
    weights = draw_weights(41, 4000, np.random.default_rng(0), strata)
    for code, size in ((0, 10), (1, 30), (2, 1)):
        assert (weights[:, strata == code].sum(axis=1) == size).all()
    assert weights[:, :40].mean(axis=0) == pytest.approx(1, abs=0.08)
    assert weights[:, 10:40].var(axis=0).mean() == pytest.approx(29 / 30, abs=0.03)  # multinomial


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_areas_are_those_of_repeated_rows(seed):
    positives, scores, rng = sample(seed)
    weights = draw_weights(len(scores), 5, rng, positives)
    expected = [roc_auc_score(np.repeat(positives, w.astype(int)), np.repeat(scores, w.astype(int))) for w in weights]
    assert roc_auc(positives, scores, weights) == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_miss_rates_are_those_of_the_roc_curve(seed, rate):
    positives, scores, rng = sample(seed)
    weights = draw_weights(len(scores), 3, rng, positives)
    for row, weight in zip(miss_rate_at(positives, scores, weights, rate), weights.astype(int), strict=True):
        alarms, hits, _ = roc_curve(np.repeat(positives, weight), np.repeat(scores, weight), drop_intermediate=False)
        assert row == pytest.approx(1 - hits[alarms <= rate * (1 + 1e-12)].max(), abs=1e-12)


def test_means_leave_out_what_is_not_defined():
    values = np.array([1.0, 0.0, np.nan, 1.0])
    weights = np.array([[1, 2, 5, 0], [0, 0, 3, 0]], dtype=np.float32)
    assert mean_of(values, weights) == pytest.approx([1 / 3, np.nan], nan_ok=True)


def test_intervals_cover_as_often_as_they_say():
    """95 % intervals of a mean of 40 normal numbers: the true mean is inside about 94 times of 100."""
    inside = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=40)
        low, high = percentile_interval(mean_of(values, draw_weights(40, 500, rng)))
        inside += low <= 0 <= high
    assert 0.90 <= inside / 400 <= 0.97


def test_p_values_agree_with_a_z_test_and_are_never_zero():
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.1, 0.3):
        values = rng.normal(shift, 1, size=300)
        p = two_sided_p(mean_of(values, draw_weights(300, 4000, rng)))
        expected = 2 * norm.sf(abs(values.mean()) / (values.std() / 300**0.5))
        assert p == pytest.approx(expected, abs=0.03)
    assert two_sided_p(np.full(999, 0.5)) == pytest.approx(2 / 1000)
