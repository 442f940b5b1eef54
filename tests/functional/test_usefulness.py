"""Predictive values, net benefit and cost against counted rows."""

import numpy as np
import pytest
from sklearn.metrics import precision_score

from imbalkit.functional.usefulness import expected_cost, net_benefit, predictive_values


def test_at_the_rows_own_prevalence_they_are_precisions():
    rng = np.random.default_rng(0)
    truth, called = rng.random(500) < 0.2, rng.random(500) < 0.3
    ppv, npv = predictive_values(called[truth].mean(), (~called[~truth]).mean(), truth.mean())
    assert ppv == pytest.approx(precision_score(truth, called))
    assert npv == pytest.approx(precision_score(~truth, ~called))


def test_at_another_prevalence_they_are_those_of_rows_weighted_to_it():
    rng = np.random.default_rng(1)
    truth, called = rng.random(500) < 0.4, rng.random(500) < 0.5
    weights = np.where(truth, 0.02 / truth.mean(), 0.98 / (~truth).mean())
    ppv, npv = predictive_values(called[truth].mean(), (~called[~truth]).mean(), 0.02)
    assert ppv == pytest.approx(precision_score(truth, called, sample_weight=weights))
    assert npv == pytest.approx(precision_score(~truth, ~called, sample_weight=weights))


def test_rates_may_be_arrays_and_nothing_called_is_nan():
    ppv, npv = predictive_values(np.array([0.0, 0.8]), np.array([1.0, 0.9]), 0.1)
    assert ppv == pytest.approx([np.nan, 0.08 / 0.17], nan_ok=True)
    assert npv == pytest.approx([0.9, 0.81 / 0.83])


def test_net_benefit_is_what_acting_is_worth_in_hits():
    # 100 rows, 10 hits, 20 false alarms, acting from 0.25 on: three false alarms are worth one hit.
    assert net_benefit(0.10, 0.20, 0.25) == pytest.approx((10 - 20 / 3) / 100)
    assert net_benefit(0.10, 0.20, 0.5) == pytest.approx(-0.1)


def test_cost_is_the_share_of_errors_where_both_cost_alike():
    rng = np.random.default_rng(2)
    truth, called = rng.random(500) < 0.3, rng.random(500) < 0.3
    errors = expected_cost((~called[truth]).mean(), called[~truth].mean(), truth.mean())
    assert errors == pytest.approx((truth != called).mean())
