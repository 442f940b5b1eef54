"""Priors against Saerens et al. 2002 and Elkan 2001 in float64, and a simulation: a model of a shifted sample, restored."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from sklearn.linear_model import LogisticRegression

from imbalkit.functional.prior import (
    at_prior,
    inverse_frequency,
    log_ratio,
    rows_under,
    same_shares,
    shares,
    stated_prior,
)


def saerens(probabilities, source, target):
    """Saerens, Latinne and Decaestecker 2002, eq. 4, term by term."""
    result = []
    for row in probabilities:
        terms = [target[c] / source[c] * row[c] for c in range(len(row))]
        result.append([term / sum(terms) for term in terms])
    return np.array(result, dtype=np.float64)


def test_at_prior_is_the_formula_of_saerens():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([1, 1, 1], size=50)
    source, target = np.array([0.2, 0.5, 0.3]), np.array([0.9, 0.09, 0.01])
    assert at_prior(probabilities, source, target) == pytest.approx(saerens(probabilities, source, target), rel=1e-12)
    assert at_prior(probabilities, source, source) == pytest.approx(probabilities)


def test_two_classes_are_elkans_theorem():
    p, b, target = np.linspace(0, 1, 21), 0.5, 0.05
    expected = target * (p - p * b) / (b - p * b + target * p - b * target)
    moved = at_prior(np.stack([1 - p, p], axis=1), [1 - b, b], [1 - target, target])
    assert moved[:, 1] == pytest.approx(expected, rel=1e-12)


def test_a_class_of_no_share_stays_as_it_is():
    assert log_ratio([0.5, 0.5, 0.0], [0.25, 0.5, 0.25]).tolist() == [np.log(2), 0, 0]
    assert log_ratio([0.5, 0.5], [1.0, 0.0]).tolist() == [np.log(0.5), 0]


def test_shares():
    assert shares([3, 1]).tolist() == [0.75, 0.25]
    assert shares([0, 0]).tolist() == [0.5, 0.5]


def test_a_stated_prior():
    data = np.array([0.6, 0.3, 0.1])
    classes = ("a", "b", "c")
    assert stated_prior({"c": 0.4}, classes, data) == pytest.approx([0.4, 0.2, 0.4])
    assert stated_prior({"a": 0.1, "c": 0.4}, classes, data) == pytest.approx([0.1, 0.5, 0.4])
    assert stated_prior({"a": 0.2, "b": 0.3, "c": 0.5}, classes, data) == pytest.approx([0.2, 0.3, 0.5])


def test_inverse_frequency():
    assert inverse_frequency((90, 10)) == [100 / 180, 100 / 20]
    assert inverse_frequency((30, 0, 10)) == [40 / 90, 0.0, 40 / 30]
    assert inverse_frequency((0, 0)) == [0.0, 0.0]


@pytest.mark.parametrize("how", ["copies", "drops", "weights"])
def test_a_model_of_a_shifted_sample_is_calibrated_at_the_prior_of_the_data_once_restored(how):
    """Two Gaussians, of which logistic regression is the true model: in the large, restored probabilities are the true ones."""
    rng = np.random.default_rng(0)
    share, rows = 0.03, 60_000
    labels = (rng.random(rows) < share).astype(int)
    features = rng.normal(size=(rows, 2)) + labels[:, None] * [1.5, 0.5]
    weights, chosen = np.ones(rows), np.arange(rows)
    if how == "copies":
        chosen = np.concatenate([chosen, np.repeat(np.flatnonzero(labels), 24)])
    elif how == "drops":
        benign = rng.permutation(np.flatnonzero(labels == 0))
        chosen = np.concatenate([np.flatnonzero(labels), benign[: len(benign) // 20]])
    else:
        weights = np.where(labels, 30.0, 1.0)
    model = LogisticRegression(C=np.inf).fit(features[chosen], labels[chosen], sample_weight=weights[chosen])
    trained = np.bincount(labels[chosen], weights[chosen])
    new = rng.normal(size=(40_000, 2)) + (truth := (rng.random(40_000) < share).astype(int))[:, None] * [1.5, 0.5]
    shifted = model.predict_proba(new)
    restored = at_prior(shifted, shares(trained), shares(np.bincount(labels)))
    log_odds = np.log(share / (1 - share)) + new @ [1.5, 0.5] - (1.5**2 + 0.5**2) / 2
    true = 1 / (1 + np.exp(-log_odds))
    assert np.abs(restored[:, 1] - true).mean() < 0.003
    assert np.abs(shifted[:, 1] - true).mean() > 0.2
    assert restored[:, 1].mean() == pytest.approx(truth.mean(), abs=0.003)


def test_rows_under_an_offset_have_the_shares_that_it_leads_away_from():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [900, 70, 30]))
    data, training = np.array([0.9, 0.07, 0.03]), np.array([0.5, 0.2, 0.3])
    rows = rows_under(labels, log_ratio(data, training))
    counts = np.bincount(labels[rows])
    assert counts[0] == 900  # no row of the largest class is lost
    assert shares(counts) == pytest.approx(training, abs=2e-3)
    repeats = np.bincount(rows, minlength=1000)
    assert all(np.ptp(repeats[labels == label]) <= 1 for label in range(3))
    assert np.array_equal(np.sort(rows_under(labels, np.zeros(3))), np.arange(1000))
    assert len(rows_under(labels, np.array([0.0, 0.0, 20.0]))) == pytest.approx(100_000, abs=2)
    assert rows_under(labels[:0], np.zeros(3)).shape == (0,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((90, 10), (45, 5)),
        ((90, 10), (30, 20)),
        ((5, 7), (6, 6)),
        ((100, 20, 3), (50, 20, 10)),
        ((1,) * 10, range(1, 11)),
    ],
)
def test_same_shares_as_scipy(first, second):
    expected = chi2_contingency([list(first), list(second)]).pvalue
    assert same_shares(list(first), list(second)) == pytest.approx(expected, rel=1e-9)
