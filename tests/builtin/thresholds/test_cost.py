"""Costs: the formula of Elkan 2001, every decision by hand, and scikit-learn's tuned threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV

from imbalkit.builtin.thresholds.best_f import BestF
from imbalkit.builtin.thresholds.cost import Cost
from imbalkit.errors import DataError
from imbalkit.functional.thresholds import cost_threshold
from imbalkit.kinds import ThresholdRows
from tests.properties import examples

CLASSES = ("benign", "mel")


def rows(count: int = 400, seed: int = 0):
    rng = np.random.default_rng(seed)
    positives = rng.random(count) < 0.15
    features = rng.normal(size=(count, 1)) + positives[:, None] * 1.2
    model = LogisticRegression().fit(features, positives)
    return features, positives, model, model.predict_proba(features)[:, 1]


def cost_of(positives, called, ratio):
    """Cost in false alarms."""
    return ratio * (positives & ~called).sum() + (~positives & called).sum()


@pytest.mark.parametrize("ratio", [0.5, 3.0, 20.0])
def test_the_cheapest_threshold_is_that_of_scikit_learn(ratio):
    features, positives, model, p = rows()
    scorer = make_scorer(lambda y, called: -cost_of(y.astype(bool), called.astype(bool), ratio))
    tuned = TunedThresholdClassifierCV(
        FrozenEstimator(model), scoring=scorer, cv="prefit", refit=False, thresholds=np.unique(p)
    ).fit(features, positives)
    ours = cost_of(positives, p >= Cost(ratio=ratio).choose(ThresholdRows(positives, p)), ratio)
    reference = cost_of(positives, p >= tuned.best_threshold_, ratio)
    # scikit-learn's thresholds are the probabilities themselves, so that it cannot predict no row positive.
    assert ours == min(reference, ratio * positives.sum())


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_the_best_f_is_that_of_scikit_learn(beta):
    features, positives, model, p = rows()
    scorer = make_scorer(fbeta_score, beta=beta)
    tuned = TunedThresholdClassifierCV(
        FrozenEstimator(model), scoring=scorer, cv="prefit", refit=False, thresholds=np.unique(p)
    ).fit(features, positives)
    chosen = BestF(beta=beta).choose(ThresholdRows(positives, p))
    assert fbeta_score(positives, p >= chosen, beta=beta) == pytest.approx(tuned.best_score_)
    assert np.array_equal(p >= chosen, p >= tuned.best_threshold_)


def test_probabilities_and_ratio_give_the_formula():
    chosen = Cost(ratio=9.0, by="probabilities")
    assert chosen.choose(ThresholdRows(np.zeros(0, dtype=bool), np.zeros(0))) == pytest.approx(0.1)
    assert not chosen.needs_rows
    assert Cost(ratio=9.0).needs_rows


@given(st.integers(2, 40), st.sampled_from([0.25, 1.0, 7.0]), st.booleans(), st.integers(0, 10_000))
@examples(200)
def test_no_threshold_costs_less(count, ratio, weighted, seed):
    rng = np.random.default_rng(seed)
    positives = rng.random(count) < 0.4
    positives[:2] = True, False
    p = rng.integers(0, 10, count) / 10
    weights = rng.random(count) + 0.1 if weighted else np.ones(count)

    def cost(threshold):
        called = p >= threshold
        return (weights * np.where(positives & ~called, ratio, ~positives & called)).sum()

    chosen = Cost(ratio=ratio).choose(ThresholdRows(positives, p, weights=weights if weighted else None))
    assert cost(chosen) == pytest.approx(min(cost(t) for t in [*np.unique(p), np.inf]))


def test_a_matrix_of_two_classes_is_the_formula_of_elkan():
    costs = {"mel": {"benign": 20.0, "mel": 2.0}, "benign": {"mel": 3.0, "benign": 1.0}}
    rule = Cost(costs=costs, by="probabilities").for_classes(CLASSES, positive=1)
    # (c10 - c00) / (c10 - c00 + c01 - c11), Elkan 2001, eq. 2
    threshold = rule.choose(ThresholdRows(np.zeros(0, dtype=bool), np.zeros(0)))
    assert threshold == pytest.approx((3 - 1) / (3 - 1 + 20 - 2))
    p = np.linspace(0, 1, 999)
    matrix = np.array([[1.0, 3.0], [2.0 + 18, 2.0]])
    called = (np.stack([1 - p, p], axis=1) @ matrix).argmin(axis=1) == 1
    assert np.array_equal(called, p >= threshold)
    other = Cost(costs=costs, by="probabilities").for_classes(CLASSES, positive=0)
    assert other.choose(ThresholdRows(np.zeros(0, dtype=bool), np.zeros(0))) == pytest.approx(18 / 20)


@pytest.mark.parametrize(
    "costs", [np.ones(2), np.eye(3), [[0, np.nan], [1, 0]], [[0, 0], [0, 0]], [[1, 0], [1, 0]]], ids=str
)
def test_costs_that_are_no_matrix_of_two_classes(costs):
    with pytest.raises(DataError, match="expected costs"):
        cost_threshold(costs)


def test_a_matrix_on_validation_rows():
    _, positives, _, p = rows()
    rule = Cost(costs={"mel": {"benign": 12.0}}).for_classes(CLASSES, positive=1)
    assert rule.choose(ThresholdRows(positives, p)) == Cost(ratio=12.0).choose(ThresholdRows(positives, p))
    with pytest.raises(DataError, match="ask `for_classes` first"):
        Cost(costs={"mel": {"benign": 12.0}}).choose(ThresholdRows(positives, p))


def test_a_matrix_of_many_classes():
    rule = Cost(costs={"c": {"a": 30.0}, "a": {"b": 0.0}})
    assert rule.cost_matrix(("a", "b", "c")).tolist() == [[0, 0, 1], [1, 0, 1], [30, 1, 0]]
    assert rule.check_classes(("a", "b", "c")) == []
    assert rule.for_classes(("a", "b", "c"), 2) is rule
    assert Cost(ratio=3.0).cost_matrix(("a", "b", "c")) is None
    assert Cost(costs={"mel": {"benign": 2.0}}).cost_matrix(CLASSES) is None


def test_costs_that_leave_nothing_to_choose():
    messages = Cost(costs={"mel": {"benign": 0.0}}).check_classes(CLASSES)
    assert messages == [("costs", "predicting 'benign' for 'mel' must cost more than being right (0)")]
    messages = Cost(costs={"mel": {"mel": 5.0}}).check_classes(("benign", "mel", "nevus"))
    assert [text for _, text in messages] == [
        "predicting 'benign' for 'mel' must cost more than being right (5)",
        "predicting 'nevus' for 'mel' must cost more than being right (5)",
    ]
    messages = Cost(costs={"mel": {"benign": 5.0}}, by="validation").check_classes(("benign", "mel", "nevus"))
    assert "costs of 3 classes go by the probabilities" in messages[0][1]
    assert Cost(ratio=2.0, by="validation").check_classes(("benign", "mel", "nevus")) == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "expected either ratio or costs, got neither"),
        ({"ratio": 2.0, "costs": {"a": {"b": 1.0}}}, "expected either ratio or costs, got both"),
        ({"ratio": 0.0}, "greater than 0"),
        ({"costs": {"a": {"b": -1.0}}}, "greater than or equal to 0"),
        ({"ratio": 2.0, "by": "test"}, "'validation' or 'probabilities'"),
    ],
)
def test_parameters_that_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        Cost.model_validate(given)
