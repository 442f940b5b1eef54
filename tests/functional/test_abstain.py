"""Uncertainty against the costs that it stands for, and risk-coverage against a loop over every row left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.functional.abstain import limit_for_coverage, risk_coverage, uncertainty, uncertainty_band
from tests.properties import examples


def test_uncertainty_is_the_expected_cost_of_the_decision():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], 30)
    costs = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0], [9.0, 5.0, 0.0]])
    expected = [min(sum(p[y] * costs[y, d] for y in range(3)) for d in range(3)) for p in probabilities]
    assert uncertainty(probabilities, costs=costs) == pytest.approx(expected)
    assert uncertainty(probabilities) == pytest.approx(uncertainty(probabilities, costs=1 - np.eye(3)))
    two = rng.dirichlet([1, 1], 30)
    of_threshold = np.array([[0.0, 0.2], [0.8, 0.0]])  # the costs to which 0.2 is the best threshold
    assert uncertainty(two, 0.2, 1) == pytest.approx(uncertainty(two, costs=of_threshold))


@pytest.mark.parametrize("threshold", [0.0, 1e-4, 0.2, 0.5, 0.97, 1.0])
def test_the_band_holds_the_rows_above_an_uncertainty(threshold):
    p = np.linspace(0.0005, 0.9995, 1000)
    uncertainties = uncertainty(np.stack([1 - p, p], axis=1), threshold, 1)
    for share in (0.1, 0.5, 0.9):
        limit = limit_for_coverage(uncertainties, share)
        low, high = uncertainty_band(limit, threshold)
        assert np.array_equal((p >= low) & (p < high), uncertainties > limit)
        assert max(abs(low - 0.5), abs(high - 0.5)) <= 0.5


def test_at_a_threshold_of_0_the_least_positive_rows_are_the_most_uncertain():
    p = np.array([0.1, 0.5, 0.9])
    uncertainties = uncertainty(np.stack([1 - p, p], axis=1), 0.0, 1)
    assert uncertainties.argsort().tolist() == [2, 1, 0]


@given(st.lists(st.integers(0, 8), min_size=1, max_size=30), st.floats(0.01, 0.99), st.booleans())
@examples(200)
def test_a_limit_decides_at_least_the_share_and_no_more_than_it_must(values, coverage, weighted):
    uncertainties = np.array(values) / 8
    weights = np.random.default_rng(len(values)).random(len(values)) + 0.1 if weighted else np.ones(len(values))
    limit = limit_for_coverage(uncertainties, coverage, weights if weighted else None)
    decided = weights[uncertainties <= limit].sum() / weights.sum()
    assert decided >= coverage - 1e-9
    fewer = uncertainties[uncertainties <= limit]
    assert weights[uncertainties < fewer.max()].sum() / weights.sum() < coverage
    assert limit not in uncertainties


def test_a_limit_of_equal_uncertainties_decides_every_row():
    assert limit_for_coverage(np.full(4, 0.3), 0.5) == np.inf


@given(st.integers(1, 40), st.integers(0, 10_000))
@examples(100)
def test_risk_coverage_is_a_loop_over_the_rows_left_out(rows, seed):
    rng = np.random.default_rng(seed)
    labels, decisions = rng.integers(0, 2, rows), rng.integers(0, 2, rows)
    uncertainties = rng.integers(0, 6, rows) / 6
    curve = risk_coverage(labels, decisions, uncertainties, positive=1)
    for index, limit in enumerate(sorted(set(uncertainties), reverse=True)):
        decided = uncertainties <= limit
        assert curve.decided[index] == decided.sum()
        assert curve.coverage[index] == pytest.approx(decided.mean())
        assert curve.error[index] == pytest.approx((labels != decisions)[decided].mean())
        assert curve.rejected_positives[index] == (labels[~decided] == 1).sum()
        assert curve.missed_positives[index] == ((labels == 1) & (decisions == 0))[decided].sum()
    assert len(curve.coverage) == len(set(uncertainties))
    assert curve.positives == (labels == 1).sum()


def test_the_area_is_the_mean_error_over_the_numbers_of_rows():
    labels, decisions = np.array([0, 1, 0, 1]), np.array([0, 1, 1, 1])
    uncertainties = np.array([0.1, 0.2, 0.4, 0.3])
    curve = risk_coverage(labels, decisions, uncertainties, 1)
    assert curve.error.tolist() == [0.25, 0, 0, 0]
    assert curve.area == pytest.approx(0.0625)
    # One uncertainty for all: whatever order they are left out in, a quarter is wrong on average.
    assert risk_coverage(labels, decisions, np.zeros(4)).area == pytest.approx(0.25)
    assert np.isnan(risk_coverage(labels[:0], decisions[:0], uncertainties[:0]).area)
