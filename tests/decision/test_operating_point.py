"""The threshold that validation rows choose, with a positive class, without, and with costs."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.builtin.thresholds.cost import Cost
from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.builtin.thresholds.target_recall import TargetRecall
from imbalkit.builtin.thresholds.youden import Youden
from imbalkit.decision.fit import fit_decision
from imbalkit.decision.settings import DecisionSettings
from imbalkit.errors import PluginError
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import PriorShift, ThresholdRows
from tests.decision.made_up import EXACT, chosen, ledger, validation_rows


def test_fit_reaches_the_recall_after_calibration():
    logits, labels = validation_rows()
    decision = fit_decision(logits, labels, chosen(calibrator="temperature", threshold=TargetRecall(recall=0.95)), 1)
    predicted = decision.decide(logits)
    assert (predicted[labels == 1] == 1).mean() >= 0.95
    temperature = Temperature().fit(logits, labels).temperature
    assert temperature != 1
    assert decision.probabilities(logits) == pytest.approx(softmax(logits / temperature))
    assert decision.threshold == TargetRecall(recall=0.95).choose(
        ThresholdRows(labels == 1, decision.probabilities(logits)[:, 1])
    )
    assert (decision.rule, decision.calibrator, decision.notes) == ("target_recall", "temperature", ())
    assert decision.rows == tuple(np.bincount(labels))


def test_a_rule_that_cannot_choose_is_noted_and_never_ends_a_run():
    logits, labels = validation_rows(60)
    wanted = chosen(threshold={"name": "target_recall", "recall": 0.99, "confidence": 0.95})
    decision = fit_decision(logits, labels, wanted, 1)
    assert (decision.threshold, decision.rule) == (0.5, None)
    assert "takes 299 independent positive validation rows" in decision.notes[0]
    assert decision.notes[0].endswith("the threshold is 0.5, not that of 'target_recall'")


@pytest.mark.parametrize("threshold", [float("nan"), 2.0, -0.1, float("inf")])
def test_a_rule_of_a_plugin_that_chooses_no_probability_is_named(threshold):
    class Odd(Youden):
        def choose(self, rows):
            return threshold

    logits, labels = validation_rows()
    with pytest.raises(
        PluginError, match=f"the threshold 'youden' .*chose the threshold {threshold:g}: expected one from 0 to 1"
    ):
        fit_decision(logits, labels, chosen(threshold=Odd()), 1)


def test_groups_and_weights_reach_the_rule():
    seen = {}

    class Spy(Youden):
        def choose(self, rows):
            seen.update(weights=rows.weights, groups=rows.groups)
            return 0.25

    logits, labels = validation_rows(40)
    groups = np.arange(40) // 2
    wanted = DecisionSettings.model_construct(prior={"mel": 0.02}, calibrator=None, threshold=Spy(), abstain=None)
    decision = fit_decision(logits, labels, wanted, 1, ledger(EXACT), groups, ("benign", "mel"))
    assert decision.threshold == 0.25
    assert seen["groups"] is groups
    weight = {label: seen["weights"][labels == label] for label in (0, 1)}
    assert np.ptp(weight[0]) == np.ptp(weight[1]) == 0
    assert weight[1].sum() / (weight[0].sum() + weight[1].sum()) == pytest.approx(0.02)


def test_the_threshold_is_chosen_at_the_stated_prevalence():
    """The cheapest threshold at 2 % is the one on rows repeated so that 2 % are positive."""
    rng = np.random.default_rng(1)
    labels = (np.arange(1000) < 500).astype(int)
    logits = np.stack([np.zeros(1000), rng.normal(size=1000) + 1.5 * labels], axis=1)
    even = ledger(PriorShift((1.0, 1.0), True, ""), rows=(500, 500))
    settings = chosen(prior={"mel": 0.02}, threshold=Cost(ratio=10.0))
    decision = fit_decision(logits, labels, settings, 1, even, classes=("benign", "mel"))
    p = decision.probabilities(logits)[:, 1]
    many = np.concatenate([np.flatnonzero(labels == 1), np.repeat(np.flatnonzero(labels == 0), 49)])
    assert decision.threshold == pytest.approx(Cost(ratio=10.0).choose(ThresholdRows(labels[many] == 1, p[many])))
    unweighted = Cost(ratio=10.0).choose(ThresholdRows(labels == 1, p))
    assert decision.threshold != pytest.approx(unweighted)


@pytest.mark.parametrize("threshold", [Youden(), Fixed(value=0.3)])
def test_a_threshold_without_a_positive_class_is_noted(threshold):
    logits, labels = np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 1])
    decision = fit_decision(logits, labels, chosen(threshold=threshold), positive=None)
    assert decision.threshold is None
    assert "needs a positive class: the most probable class is predicted" in decision.notes[0]
    assert decision.decide(logits).tolist() == [0, 1, 2, 0]
    assert fit_decision(logits, labels, DecisionSettings(), positive=None).notes == ()


def test_a_positive_class_of_many_against_the_rest():
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 400, p=[0.6, 0.2, 0.15, 0.05])
    logits = rng.normal(size=(400, 4)) + 1.5 * np.eye(4)[labels]
    decision = fit_decision(logits, labels, chosen(threshold=TargetRecall(recall=0.9)), positive=3)
    predicted = decision.decide(logits)
    assert (predicted[labels == 3] == 3).mean() >= 0.9
    assert decision.threshold == TargetRecall(recall=0.9).choose(ThresholdRows(labels == 3, softmax(logits)[:, 3]))
    rest = predicted != 3
    assert np.array_equal(predicted[rest], softmax(logits)[rest, :3].argmax(axis=1))
    default = fit_decision(logits, labels, DecisionSettings(), positive=3)
    assert (default.threshold, default.rule) == (None, None)
    assert np.array_equal(default.decide(logits), logits.argmax(axis=1))


def test_no_rows_of_a_positive_class_of_many():
    logits, labels = np.eye(3)[[0, 1, 0]], np.array([0, 1, 0])
    decision = fit_decision(logits, labels, chosen(threshold="youden"), positive=2)
    assert decision.threshold is None
    assert decision.notes[0].endswith("the most probable class is predicted, not that of 'youden'")


def test_costs_of_many_classes_decide_by_expected_cost():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 100)
    logits = rng.normal(size=(100, 3))
    costs = Cost(costs={"c": {"a": 30.0, "b": 5.0}})
    decision = fit_decision(logits, labels, chosen(threshold=costs), positive=None, classes=("a", "b", "c"))
    assert decision.costs == ((0, 1, 1), (1, 0, 1), (30, 5, 0))
    assert (decision.threshold, decision.rule, decision.notes) == (None, "cost", ())
    expected = (softmax(logits)[:, :, None] * np.array(decision.costs)[None]).sum(axis=1).argmin(axis=1)
    assert np.array_equal(decision.decide(logits), expected)
