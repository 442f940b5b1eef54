"""Post-hoc logit adjustment against its formula, argmax_c (log p_c - tau log pi_c), and against a loop over tau."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from imbalkit.builtin.calibrators.vector import Vector
from imbalkit.builtin.thresholds.logit_adjustment import LogitAdjustment
from imbalkit.decision.class_prior import Entry, Ledger
from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import fit_decision
from imbalkit.decision.settings import DecisionSettings
from imbalkit.errors import DataError, RecipeError
from imbalkit.functional.adjusted_decision import TAUS, adjustment_costs, miss_costs
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import CostRows, PriorShift
from imbalkit.recipe.prepare import prepare
from tests.properties import examples

COUNTS = (900, 250, 60, 9)
NAMES = ("a", "b", "c", "d")


def long_tail(rows: int = 600, counts=COUNTS, seed: int = 0):
    """Logits [n, C] of rows drawn at the counts' shares, and their labels."""
    rng = np.random.default_rng(seed)
    prior = np.array(counts) / sum(counts)
    labels = rng.choice(len(counts), rows, p=prior)
    return rng.normal(size=(rows, len(counts))) + 1.5 * np.eye(len(counts))[labels] + np.log(prior), labels


def ledger(*shifts: PriorShift, counts=COUNTS) -> Ledger:
    return Ledger(
        NAMES[: len(counts)], tuple(counts), tuple(Entry(f"part {n}", shift) for n, shift in enumerate(shifts))
    )


def fitted(logits, labels, positive=None, shifts=(), counts=COUNTS, **settings) -> Decision:
    chosen = DecisionSettings.model_validate(settings)
    return fit_decision(logits, labels, chosen, positive, ledger(*shifts, counts=counts), classes=NAMES[: len(counts)])


def formula(probabilities, prior, tau):
    """In float64, as published."""
    return (np.log(probabilities) - tau * np.log(prior)).argmax(axis=1)


# --- the decision --------------------------------------------------------------------------------------------------------


@examples(100)
@given(
    classes=st.integers(2, 12),
    tau=st.floats(0, 10),
    seed=st.integers(0, 1000),
)
def test_least_expected_cost_is_the_published_argmax(classes, tau, seed):
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.full(classes, 0.3)) + 1e-6
    prior /= prior.sum()
    probabilities = softmax(4 * rng.normal(size=(200, classes)) + np.log(prior))
    scores = np.log(probabilities) - tau * np.log(prior)
    ranked = np.sort(scores, axis=1)
    sure = ranked[:, -1] - ranked[:, -2] > 1e-9
    decided = (probabilities @ adjustment_costs(prior, tau)).argmin(axis=1)
    assert np.array_equal(decided[sure], scores.argmax(axis=1)[sure])


@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 1.7, 3.0])
def test_many_classes_follow_the_formula(tau):
    logits, labels = long_tail()
    decision = fitted(logits, labels, threshold={"name": "logit_adjustment", "tau": tau})
    prior = np.array(COUNTS) / sum(COUNTS)
    assert np.array_equal(decision.decide(logits), formula(softmax(logits), prior, tau))
    assert (decision.threshold, decision.rule, decision.rule_fitted, decision.notes) == (
        None,
        "logit_adjustment",
        {},
        (),
    )


@pytest.mark.parametrize("positive", [0, 1])
@pytest.mark.parametrize("tau", [0.0, 0.5, 1.0, 3.0])
def test_two_classes_are_a_threshold(positive, tau):
    logits, labels = long_tail(counts=(900, 100))
    decision = fitted(logits, labels, positive, counts=(900, 100), threshold={"name": "logit_adjustment", "tau": tau})
    prior = np.array([0.9, 0.1])
    assert decision.costs is None
    assert decision.threshold == pytest.approx(prior[positive] ** tau / (prior**tau).sum())
    assert np.array_equal(decision.decide(logits), formula(softmax(logits), prior, tau))
    without = fitted(logits, labels, None, counts=(900, 100), threshold={"name": "logit_adjustment", "tau": tau})
    assert np.array_equal(decision.decide(logits), without.decide(logits))


@pytest.mark.parametrize("positive", [None, 3])
def test_a_positive_class_of_many_changes_nothing(positive):
    logits, labels = long_tail()
    decision = fitted(logits, labels, positive, threshold="logit_adjustment")
    assert decision.costs == fitted(logits, labels, threshold="logit_adjustment").costs


@pytest.mark.parametrize("counts, positive", [(COUNTS, None), ((900, 100), 1)])
def test_tau_of_one_is_the_most_probable_class_under_a_balanced_prior(counts, positive):
    """Menon et al. 2021: with tau = 1 it is the Bayes rule for balanced accuracy."""
    logits, labels = long_tail(counts=counts)
    adjusted = fitted(logits, labels, positive, counts=counts, threshold={"name": "logit_adjustment", "tau": 1.0})
    balanced = fitted(logits, labels, positive, counts=counts, prior="balanced")
    assert balanced.prior == "balanced"
    assert np.array_equal(adjusted.decide(logits), balanced.decide(logits))


def test_ties_go_to_the_first_class():
    prior = np.array([0.8, 0.1, 0.1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.0, 0.5, 0.5]])  # after division by pi all, or two, are equal
    assert (probabilities @ adjustment_costs(prior, 1.0)).argmin(axis=1).tolist() == [0, 1]


def test_a_class_that_nothing_was_learned_of_is_not_raised():
    assert miss_costs(np.array([0.8, 0.2, 0.0]), 1.0).tolist() == pytest.approx([1, 4, 1])


# --- pi: the prior that the probabilities are for --------------------------------------------------------------------------


OVER = PriorShift((1.0, 3.0, 10.0, 50.0), True, "copies at random")
UNKNOWN = PriorShift(None, False, "weighs a class by what is missed of it", True)


def test_pi_is_that_of_training_unless_the_prior_is_restored():
    logits, labels = long_tail()
    rule = {"name": "logit_adjustment", "tau": 1.0}
    data = np.array(COUNTS) / sum(COUNTS)
    effective = data * OVER.factors
    effective /= effective.sum()
    as_trained = fitted(logits, labels, shifts=(OVER,), threshold=rule)
    assert np.array_equal(as_trained.decide(logits), formula(softmax(logits), effective, 1.0))
    restored = fitted(logits, labels, shifts=(OVER,), threshold=rule, prior="data")
    at_data = softmax(logits + np.log(data / effective))
    assert np.array_equal(restored.decide(logits), formula(at_data, data, 1.0))
    # With tau = 1 both are the decision at equal shares: what was copied does not matter.
    assert np.array_equal(as_trained.decide(logits), restored.decide(logits))
    stated = fitted(logits, labels, threshold=rule, prior={"d": 0.5})
    target = np.append(data[:3] / data[:3].sum() / 2, 0.5)
    assert np.array_equal(stated.decide(logits), formula(softmax(logits + np.log(target / data)), target, 1.0))


def test_pi_is_that_of_validation_after_a_fit_that_brings_the_probabilities_there():
    logits, labels = long_tail(counts=COUNTS[:3])
    shares = np.bincount(labels, minlength=3) / len(labels)
    shift = PriorShift((1.0, 2.0, 4.0), False, "copies are blurred")
    rule = {"name": "logit_adjustment", "tau": 1.0}
    for settings in ({"prior": "data"}, {"calibrator": Vector()}):
        decision = fitted(logits, labels, shifts=(shift,), counts=COUNTS[:3], threshold=rule, **settings)
        assert np.array_equal(decision.costs, adjustment_costs(shares, 1.0))


def test_an_unknown_prior_is_noted_and_refused_when_the_recipe_is_checked():
    logits, labels = long_tail()
    decision = fitted(logits, labels, shifts=(UNKNOWN,), threshold="logit_adjustment")
    assert (decision.rule, decision.costs) == (None, None)
    assert "which class prior the probabilities are for is not known (`decision: {prior: data}`" in decision.notes[-1]
    recipe = {"base": "digits", "loss": "rce", "decision": {"threshold": "logit_adjustment"}}
    with pytest.raises(
        RecipeError, match=r"decision.threshold: .* after loss rce that is not known .*add `prior: data`"
    ):
        prepare(recipe)
    prepare(recipe, ["decision.prior=data"])
    prepare(recipe, ["decision.calibrator=vector"])
    prepare(recipe, ["loss=inverse_ce"])
    prepare({**recipe, "loss": "ce"})


# --- tau -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["balanced_accuracy", "macro_f1"])
def test_tau_is_the_best_of_the_grid_by_scikit_learn(by):
    logits, labels = long_tail(2000)
    logits = 2 * logits  # too sure of itself: more than 1 is best
    decision = fitted(logits, labels, threshold={"name": "logit_adjustment", "by": by})
    score = {
        "balanced_accuracy": balanced_accuracy_score,
        "macro_f1": lambda y, decided: f1_score(y, decided, average="macro"),
    }[by]
    prior = np.array(COUNTS) / sum(COUNTS)
    scores = {tau: score(labels, formula(softmax(logits), prior, tau)) for tau in TAUS}
    tau = decision.rule_fitted["tau"]
    assert scores[tau] == pytest.approx(max(scores.values()))
    if by == "balanced_accuracy":
        assert tau > 1.5
    assert np.array_equal(decision.decide(logits), formula(softmax(logits), prior, tau))


def test_tau_comes_from_validation_only():
    """The same validation rows give the same tau whatever is decided afterwards; others give another."""
    logits, labels = long_tail(seed=1)
    others, their_labels = long_tail(seed=2)
    decision = fitted(logits, labels, threshold="logit_adjustment")
    before = decision.to_json()
    decision.decide(others)
    assert decision.to_json() == before
    assert fitted(3 * others, their_labels, threshold="logit_adjustment").rule_fitted != decision.rule_fitted
    again = Decision.from_json(before, DecisionSettings())
    assert again.rule_fitted == decision.rule_fitted
    assert np.array_equal(again.decide(others), decision.decide(others))
    assert "rule_fitted" not in fitted(logits, labels).to_json()  # what other rules write stays as it was


def test_equally_good_taus_give_the_one_nearest_to_one():
    labels = np.arange(40) % 2
    rows = CostRows(labels, np.eye(2)[labels], np.array([0.9, 0.1]))
    assert LogitAdjustment().fit_costs(rows)[1] == {"tau": 1.0}


def test_a_class_without_validation_rows_does_not_count():
    logits, labels = long_tail(2000)
    kept = labels != 3
    decision = fitted(logits[kept], labels[kept], threshold="logit_adjustment")
    assert decision.notes == ("there are no validation rows of d: 'logit_adjustment' was fitted without them",)
    prior = np.array(COUNTS) / sum(COUNTS)
    scores = [balanced_accuracy(labels[kept], formula(softmax(logits[kept]), prior, tau)) for tau in TAUS]
    assert scores[int(np.flatnonzero(decision.rule_fitted["tau"] == TAUS)[0])] == pytest.approx(max(scores))


def balanced_accuracy(labels, decided):
    return np.mean([(decided[labels == label] == label).mean() for label in np.unique(labels)])


@pytest.mark.parametrize("positive", [None, 1])
def test_without_validation_rows_of_two_classes_there_is_no_tau(positive):
    for rows in (0, 5):
        decision = fitted(
            np.zeros((rows, 2)), np.zeros(rows, dtype=int), positive, counts=(900, 100), threshold="logit_adjustment"
        )
        assert decision.threshold == (None if positive is None else 0.5)
        assert "tau needs validation rows of two classes" in decision.notes[-1]
        given_tau = {"name": "logit_adjustment", "tau": 1.0}
        decision = fitted(
            np.zeros((rows, 2)), np.zeros(rows, dtype=int), positive, counts=(900, 100), threshold=given_tau
        )
        assert decision.rule == "logit_adjustment"


def test_equal_shares_leave_nothing_to_adjust():
    logits, labels = long_tail()
    decision = fitted(logits, labels, prior="balanced", threshold="logit_adjustment")
    assert (
        "equal class shares, which leaves nothing to adjust: the most probable class is predicted" in decision.notes[-1]
    )
    with pytest.raises(DataError, match="equal class shares"):
        LogitAdjustment(tau=1.0).fit_costs(CostRows(labels, softmax(logits), np.full(4, 0.25)))


def test_rows_count_as_at_the_stated_prevalence():
    """Macro F1 at 50 % of d is that of rows repeated so."""
    logits, labels = long_tail(3000)
    decision = fitted(logits, labels, prior={"d": 0.5}, threshold={"name": "logit_adjustment", "by": "macro_f1"})
    counts = np.bincount(labels, minlength=4)
    data = np.array(COUNTS) / sum(COUNTS)
    target = np.append(data[:3] / data[:3].sum() / 2, 0.5)
    weights = (target / (counts / counts.sum()))[labels]
    p = decision.probabilities(logits)
    scores = [f1_score(labels, formula(p, target, tau), average="macro", sample_weight=weights) for tau in TAUS]
    chosen = scores[int(np.flatnonzero(decision.rule_fitted["tau"] == TAUS)[0])]
    assert chosen == pytest.approx(max(scores))
