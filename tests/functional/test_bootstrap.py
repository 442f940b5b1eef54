"""Resamples and their intervals: how rows and groups are drawn, and how often the truth is inside."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student

from imbalkit.errors import DataError
from imbalkit.functional import bootstrap as module
from imbalkit.functional.bootstrap import (
    draw_weights,
    interval,
    logit_interval,
    mean_of,
    percentile_interval,
    two_sided_p,
    weight_blocks,
)


def test_each_stratum_keeps_its_size_and_rows_are_drawn_evenly():
    strata = np.array([0] * 10 + [1] * 30 + [2])
    weights = draw_weights(41, 4000, np.random.default_rng(0), strata)
    for code, size in ((0, 10), (1, 30), (2, 1)):
        assert (weights[:, strata == code].sum(axis=1) == size).all()
    assert weights[:, :40].mean(axis=0) == pytest.approx(1, abs=0.08)
    assert weights[:, 10:40].var(axis=0).mean() == pytest.approx(29 / 30, abs=0.03)  # multinomial


def test_groups_are_drawn_whole_and_evenly():
    groups = np.array([7, 3, 3, 9, 7, 7])  # 3: two rows, 7: three, 9: one
    weights = draw_weights(6, 4000, np.random.default_rng(0), groups=groups)
    assert weights.dtype == np.float32
    for code in (3, 7, 9):
        assert (weights[:, groups == code] == weights[:, groups == code][:, :1]).all()
    of_group = weights[:, [1, 0, 3]]
    assert (of_group.sum(axis=1) == 3).all()  # three groups are drawn, however many rows they have
    assert of_group.mean(axis=0) == pytest.approx(1, abs=0.05)
    assert of_group.var(axis=0) == pytest.approx(2 / 3, abs=0.05)


def test_groups_are_drawn_within_strata():
    groups = np.array([0, 0, 1, 2, 3, 3, 4])
    strata = np.array([5, 5, 5, 5, 8, 8, 8])
    weights = draw_weights(7, 500, np.random.default_rng(0), strata, groups)
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert (weights[:, [4, 6]].sum(axis=1) == 2).all()
    assert weights[:, [4, 6]].max() == 2
    with pytest.raises(DataError, match="drawn within strata, and 1 groups have rows in several"):
        draw_weights(7, 5, np.random.default_rng(0), np.array([5, 8, 5, 5, 8, 8, 8]), groups)


def test_blocks_add_up_and_need_little_memory(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 1000)
    blocks = list(weight_blocks(30, 70, np.random.default_rng(0)))
    assert [len(block) for block in blocks] == [33, 33, 4]
    assert (np.concatenate(blocks).sum(axis=1) == 30).all()
    assert [len(block) for block in weight_blocks(500, 40, np.random.default_rng(0))] == [32, 8]


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


DEGENERATE = 0.25, 0.75


def test_an_interval_needs_resamples_that_are_defined():
    values = np.linspace(0.4, 0.6, 1000)
    assert interval(0.5, values, 0.95, DEGENERATE) == pytest.approx(np.quantile(values, [0.025, 0.975]))
    assert interval(0.5, values, 0.9, DEGENERATE) == pytest.approx(np.quantile(values, [0.05, 0.95]))
    some, few = values.copy(), values.copy()
    some[:100], few[:101] = np.nan, np.nan
    assert interval(0.5, some, 0.95, DEGENERATE) == pytest.approx(np.quantile(some[100:], [0.025, 0.975]))
    assert np.isnan(interval(0.5, few, 0.95, DEGENERATE)).all()
    assert np.isnan(interval(np.nan, values, 0.95, DEGENERATE)).all()


def test_resamples_without_spread_tell_nothing():
    assert interval(1.0, np.ones(500), 0.95, DEGENERATE, bounds=(0.0, 1.0)) == (0.25, 0.75)
    assert interval(0.3, np.full(500, 0.3 + 1e-15), 0.95, DEGENERATE) == (0.25, 0.75)
    mixed = np.where(np.arange(500) < 250, 0.0, 0.5)
    assert interval(0.0, mixed, 0.95, DEGENERATE, bounds=(0.0, 1.0)) == (
        0.0,
        0.5,
    )  # at a bound, with a spread: percentiles


def test_logit_intervals_are_symmetric_there_and_stay_within_their_bounds():
    values = np.random.default_rng(0).normal(0.9, 0.04, 1000)
    low, high = interval(0.9, values, 0.95, DEGENERATE, bounds=(0.0, 1.0), units=21)
    expected = np.log(9) + np.array([-1, 1]) * student.ppf(0.975, 20) * values.std(ddof=1) / 0.09
    assert (low, high) == pytest.approx(tuple(1 / (1 + np.exp(-expected))))
    assert high < 1
    doubled = logit_interval(2 * 0.9 - 1, 2 * values.std(ddof=1), 0.95, (-1.0, 1.0), 21)
    assert doubled == pytest.approx((2 * low - 1, 2 * high - 1))
    normal = logit_interval(0.9, 0.04, 0.8)
    assert np.log(9) - np.log(normal[0] / (1 - normal[0])) == pytest.approx(norm.ppf(0.9) * 0.04 / 0.09)
