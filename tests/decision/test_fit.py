"""Fitting a decision: its steps in order, what it does without validation rows, and the prior by itself."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from imbalkit.builtin.calibrators.isotonic import Isotonic
from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.builtin.calibrators.vector import Vector
from imbalkit.builtin.thresholds.cost import Cost
from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import ValidationRows, fit_decision, restore_prior, shift_to_prevalence
from imbalkit.decision.settings import DecisionSettings
from imbalkit.errors import DataError
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import PriorShift
from tests.decision.made_up import EXACT, INEXACT, NOTHING, chosen, ledger, validation_rows


def test_the_default_is_one_half_uncalibrated():
    logits, labels = validation_rows()
    decision = fit_decision(logits, labels, DecisionSettings(), positive=1)
    assert (decision.threshold, decision.corrections, decision.notes) == (0.5, (), ())
    assert (decision.rule, decision.prior, decision.abstention) == ("fixed", "as_trained", None)
    assert np.array_equal(decision.decide(logits), (softmax(logits)[:, 1] >= 0.5).astype(int))


def test_without_validation_rows_nothing_is_fitted_and_the_notes_say_so():
    wanted = chosen(prior="data", calibrator="temperature", threshold="youden", abstain={"coverage": 0.9})
    decision = fit_decision(*NOTHING, wanted, 1, ledger(INEXACT))
    assert (decision.threshold, decision.corrections, decision.rule, decision.abstention) == (0.5, (), None, None)
    assert decision.prior == "as_trained"
    assert decision.notes == (
        "the class prior of the data was not restored: it cannot be worked out (part 0: copies are blurred), and to fit it "
        "instead there are no validation rows",
        "there are no validation rows: the probabilities are not calibrated",
        "there are no validation rows: the threshold is 0.5, not that of 'youden'",
        "there are no validation rows: every row is decided, whatever abstain.coverage says",
    )
    assert fit_decision(*NOTHING, chosen(threshold=Fixed(value=0.2)), 1).notes == ()
    cost = fit_decision(*NOTHING, chosen(threshold=Cost(ratio=4.0, by="probabilities")), 1)
    assert (cost.threshold, cost.notes) == (pytest.approx(0.2), ())


def test_validation_rows_of_one_class():
    logits, labels = np.zeros((3, 2)), np.zeros(3, dtype=int)
    for calibrator in ("temperature", "vector", "isotonic"):
        wanted = chosen(threshold="youden", calibrator=calibrator, prior="data", abstain={"coverage": 0.5})
        decision = fit_decision(logits, labels, wanted, 1, ledger(INEXACT), classes=("benign", "mel"))
        assert (decision.threshold, decision.corrections) == (0.5, ())
        assert "to fit it instead there are no validation rows of mel" in decision.notes[0]
        assert "no validation rows of mel: the probabilities are not calibrated" in decision.notes[1]
        assert "no validation rows of both classes: the threshold is 0.5" in decision.notes[2]
        assert "equally uncertain validation rows cannot be parted" in decision.notes[3]


def test_a_calibrator_may_do_without_some_of_many_classes():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(50, 3)), np.arange(50) % 2
    assert fit_decision(logits, labels, chosen(calibrator="temperature"), None).calibrator == "temperature"
    vector = fit_decision(logits, labels, chosen(calibrator="vector"), None, classes=("a", "b", "c"))
    assert vector.notes == ("there are no validation rows of c: the probabilities are not calibrated",)


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (
            np.zeros((2, 2)),
            np.zeros(3, dtype=int),
            r"expected logits \[n, C\] and labels \[n\], got \[2, 2\] and \[3\]",
        ),
        (np.array([[np.nan, 0.0]]), np.zeros(1, dtype=int), "not finite: training diverged"),
    ],
)
def test_logits_that_cannot_be_used(logits, labels, message):
    with pytest.raises(DataError, match=message):
        fit_decision(logits, labels, DecisionSettings(), positive=1)


def test_an_exact_ledger_is_undone_by_an_offset():
    """Elkan 2001, theorem 2, in the form p' = b' (p - p b) / (b - p b + b' p - b b')."""
    logits, labels = validation_rows()
    decision = fit_decision(logits, labels, chosen(prior="data"), 1, ledger(EXACT), classes=("benign", "mel"))
    p, b, target = softmax(logits)[:, 1], 0.5, 0.1
    expected = target * (p - p * b) / (b - p * b + target * p - b * target)
    assert decision.probabilities(logits)[:, 1] == pytest.approx(expected, rel=1e-12)
    assert (decision.prior, decision.notes) == ("data", ())
    assert [(step.stage, step.name) for step in decision.corrections] == [("prior restored", "offset")]
    assert fit_decision(*NOTHING, chosen(prior="data"), 1, ledger(EXACT)).corrections == decision.corrections


def test_nothing_is_restored_where_nothing_shifted():
    same = PriorShift((2.0, 2.0), True, "")
    decision = fit_decision(*validation_rows(), chosen(prior="data"), 1, ledger(same))
    assert (decision.corrections, decision.prior, decision.notes) == ((), "data", ())
    as_trained = fit_decision(*validation_rows(), chosen(), 1, ledger(same))
    assert as_trained.notes == ()


@pytest.mark.parametrize("known", [ledger(EXACT, INEXACT), ledger(PriorShift((1.0, 0.0), True, "")), None])
def test_a_shift_that_is_not_exact_is_fitted(known):
    """Bias-corrected temperature scaling of two classes is Platt's logistic regression on the difference of the logits."""
    logits, labels = validation_rows(2000)
    decision = fit_decision(logits, labels, chosen(prior="data"), 1, known)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits[:, 1:] - logits[:, :1], labels)
    expected = reference.predict_proba(logits[:, 1:] - logits[:, :1])
    assert decision.probabilities(logits) == pytest.approx(expected, abs=1e-4)
    assert [(step.stage, step.name) for step in decision.corrections] == [("prior restored", "bias and temperature")]
    assert "restored by a bias and a temperature fitted on 2,000 validation rows" in decision.notes[0]


def test_as_trained_says_that_the_prior_is_shifted_unless_the_calibrator_moves_it():
    rows = validation_rows()
    assert "are for the class prior of training" in fit_decision(*rows, chosen(), 1, ledger(EXACT)).notes[0]
    assert fit_decision(*rows, chosen(calibrator="temperature"), 1, ledger(INEXACT)).notes
    for calibrator in ("vector", "isotonic"):
        assert fit_decision(*rows, chosen(calibrator=calibrator), 1, ledger(EXACT)).notes == ()


@pytest.mark.parametrize("calibrator", [None, Temperature(), Vector(), Isotonic()])
def test_a_stated_prevalence_starts_from_the_prior_that_the_probabilities_have(calibrator):
    """From the data's for an offset (and a temperature), from validation's own shares after a fit that brings them there."""
    logits, labels = validation_rows(500)
    settings = chosen(prior={"mel": 0.02}, calibrator=calibrator)
    decision = fit_decision(logits, labels, settings, 1, ledger(EXACT), classes=("benign", "mel"))
    source = labels.mean() if calibrator and calibrator.name != "temperature" else 0.1
    before = decision.at_data_prior(logits)
    by_hand = before * [0.98 / (1 - source), 0.02 / source]
    assert decision.probabilities(logits) == pytest.approx(by_hand / by_hand.sum(axis=1, keepdims=True))
    assert decision.prior == "stated"
    if calibrator is not None and calibrator.name != "temperature":
        assert before[:, 1].mean() == pytest.approx(labels.mean(), abs=2e-3)


def test_classes_that_are_not_named_share_the_rest():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(90, 3)), np.arange(90) % 3
    known = ledger(PriorShift((1.0, 1.0, 1.0), True, ""), rows=(600, 300, 100), classes=("a", "b", "c"))
    decision = fit_decision(logits, labels, chosen(prior={"c": 0.4}), None, known, classes=known.classes)
    before = decision.at_data_prior(logits)
    by_hand = before * [0.4 / 0.6, 0.2 / 0.3, 0.4 / 0.1]
    assert decision.probabilities(logits) == pytest.approx(by_hand / by_hand.sum(axis=1, keepdims=True))


def test_a_stated_prevalence_is_not_set_from_an_unknown_prior():
    decision = fit_decision(*NOTHING, chosen(prior={"mel": 0.02}), 1, ledger(INEXACT), classes=("benign", "mel"))
    assert (decision.corrections, decision.prior) == ((), "as_trained")
    assert "was not restored, nor the stated one set" in decision.notes[0]
    exact = fit_decision(*NOTHING, chosen(prior={"mel": 0.02}), 1, ledger(EXACT), classes=("benign", "mel"))
    assert exact.prior == "stated"


def test_an_exact_shift_is_an_offset_and_none_at_all_is_no_correction():
    logits, labels = validation_rows()
    rows = ValidationRows(logits, labels, ("benign", "mel"), 1)
    corrections, notes = restore_prior(rows, chosen(prior="data"), ledger(EXACT))
    assert [step.name for step in corrections] == ["offset"]
    assert np.diff(corrections[0].fitted["bias"]) == pytest.approx(-np.log(9))
    assert notes == ()
    assert restore_prior(rows, chosen(prior="data"), ledger()) == ((), ())
    assert restore_prior(rows, chosen(), ledger())[0] is None


def test_at_a_stated_prevalence_rows_count_by_their_class():
    logits, labels = validation_rows()
    rows = ValidationRows(logits, labels, ("benign", "mel"), 1)
    step, weights = shift_to_prevalence(rows, {"mel": 0.02}, None, is_fitted=False)
    assert np.average(labels, weights=weights) == pytest.approx(0.02)
    assert np.diff(step.fitted["bias"]) == pytest.approx(
        np.log(0.02 / 0.98) - np.log(labels.mean() / (1 - labels.mean()))
    )
    nothing = ValidationRows(*NOTHING, ("benign", "mel"), 1)
    assert shift_to_prevalence(nothing, {"mel": 0.02}, ledger(), is_fitted=False)[1] is None


@pytest.mark.parametrize("shift", [PriorShift((1.0, 1.0), True, ""), EXACT, INEXACT])
def test_a_balanced_prior_is_equal_shares_stated(shift):
    logits, labels = validation_rows(500)
    by_word, by_hand = (
        fit_decision(logits, labels, chosen(prior=prior), 1, ledger(shift), classes=("benign", "mel"))
        for prior in ("balanced", {"benign": 0.5, "mel": 0.5})
    )
    assert (by_word.prior, by_hand.prior) == ("balanced", "stated")
    assert np.array_equal(by_word.probabilities(logits), by_hand.probabilities(logits))
    assert Decision.from_json(by_word.to_json(), DecisionSettings()).prior == "balanced"


def test_a_balanced_prior_after_balanced_copies_is_as_trained():
    logits, labels = validation_rows(500)
    decision = fit_decision(logits, labels, chosen(prior="balanced"), 1, ledger(EXACT), classes=("benign", "mel"))
    assert decision.probabilities(logits) == pytest.approx(softmax(logits))


def test_a_balanced_prior_is_not_set_from_an_unknown_one():
    decision = fit_decision(*NOTHING, chosen(prior="balanced"), 1, ledger(INEXACT), classes=("benign", "mel"))
    assert (decision.corrections, decision.prior) == ((), "as_trained")
    assert "was not restored, nor the balanced one set" in decision.notes[0]
