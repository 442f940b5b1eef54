"""Fitting a decision: prior, calibration, threshold and abstention, in this order."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from imbalkit.builtin.calibrators.isotonic import Isotonic
from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.builtin.calibrators.vector import Vector
from imbalkit.builtin.thresholds.cost import Cost
from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.builtin.thresholds.target_recall import TargetRecall
from imbalkit.builtin.thresholds.youden import Youden
from imbalkit.decision.class_prior import Entry, Ledger
from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import ValidationRows, fit_decision, restore_prior, shift_to_prevalence
from imbalkit.decision.settings import DecisionSettings
from imbalkit.errors import DataError
from imbalkit.functional.metrics import log_loss, softmax
from imbalkit.kinds import Calibrator, PriorShift, ThresholdRows

NOTHING = np.zeros((0, 2)), np.zeros(0, dtype=int)


def validation_rows(rows: int = 300):
    rng = np.random.default_rng(0)
    labels = (rng.random(rows) < 0.2).astype(np.int64)
    return rng.normal(size=(rows, 2)) + 2.0 * np.eye(2)[labels] * [1, 0.5], labels


def ledger(*shifts: PriorShift, rows=(900, 100), classes=("benign", "mel")) -> Ledger:
    return Ledger(classes, rows, tuple(Entry(f"part {n}", shift) for n, shift in enumerate(shifts)))


EXACT = PriorShift((1.0, 9.0), True, "copies at random")
INEXACT = PriorShift((1.0, 9.0), False, "copies are blurred")


def chosen(**settings) -> DecisionSettings:
    return DecisionSettings.model_validate(settings)


# --- threshold and calibration -----------------------------------------------------------------------------------------


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


def test_a_rule_that_cannot_choose_is_noted_and_never_ends_a_run():
    logits, labels = validation_rows(60)
    wanted = chosen(threshold={"name": "target_recall", "recall": 0.99, "confidence": 0.95})
    decision = fit_decision(logits, labels, wanted, 1)
    assert (decision.threshold, decision.rule) == (0.5, None)
    assert "takes 299 independent positive validation rows" in decision.notes[0]
    assert decision.notes[0].endswith("the threshold is 0.5, not that of 'target_recall'")


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


# --- the prior -----------------------------------------------------------------------------------------------------------


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


class Half(Calibrator):
    """A third party's calibrator that knows nothing of offsets."""

    name = "half"
    moves_prior = False

    def fit(self, logits, labels):
        return lambda values: values / 2


class OwnTemperature(Half):
    def fit(self, logits, labels):
        return Temperature().fit(logits, labels)


def normal_classes(prior: np.ndarray, rows: int = 20_000, seed: int = 3):
    """The right logits at equal class shares, and labels drawn at `prior`."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(prior), rows, p=prior)
    return 1.4 * (rng.normal(size=(rows, len(prior))) + 1.4 * np.eye(len(prior))[labels]), labels


class Undeclared(OwnTemperature):
    """As a third party may write it that does not say that it leaves the prior alone."""

    moves_prior = True


@pytest.mark.parametrize("calibrator", [Temperature(), Vector(), Isotonic(), OwnTemperature(), Undeclared()])
@pytest.mark.parametrize("prior", [(0.98, 0.02), (0.9, 0.08, 0.02)])
@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0, 3.0])
def test_a_restored_prior_survives_calibration(scale, prior, calibrator):
    """However sure of itself a network is: the log loss of the truth, and the share of each class."""
    prior = np.array(prior)
    logits, labels = normal_classes(prior)
    balanced = PriorShift(tuple(map(float, prior[0] / prior)), True, "copies to balance")
    known = ledger(balanced, rows=tuple((prior * 10_000).astype(int)), classes=tuple("abc"[: len(prior)]))
    truth = log_loss(labels, softmax(logits + np.log(prior)))
    settings = DecisionSettings.model_construct(
        prior="data", calibrator=calibrator, threshold=Fixed(value=0.5), abstain=None
    )
    decision = fit_decision(scale * logits, labels, settings, len(prior) - 1, known)
    probabilities = decision.probabilities(scale * logits)
    assert log_loss(labels, probabilities) == pytest.approx(truth, abs=0.004)
    error = np.sqrt(prior * (1 - prior) / len(labels))
    assert (np.abs(probabilities.mean(axis=0) - prior) < 4 * error).all()


@pytest.mark.parametrize("calibrator", [Temperature(), Half()])
@pytest.mark.parametrize("prior", ["data", {"mel": 0.02}])
def test_the_offset_comes_after_the_scale(prior, calibrator):
    logits, labels = validation_rows()
    settings = DecisionSettings.model_construct(
        prior=prior, calibrator=calibrator, threshold=Fixed(value=0.5), abstain=None
    )
    decision = fit_decision(logits, labels, settings, 1, ledger(EXACT), classes=("benign", "mel"))
    steps = [step.stage for step in decision.corrections]
    assert steps[:2] == ["calibrated", "prior restored"]
    assert [name for name, _ in decision.stages(logits)] == ["as trained", *steps[:2]]
    temperature = 2.0 if calibrator.name == "half" else decision.corrections[0].fitted["temperature"]
    at_data = softmax(logits / temperature + np.log([0.9 / 0.5, 0.1 / 0.5]))
    assert decision.at_data_prior(logits) == pytest.approx(at_data)
    if calibrator.name == "temperature":
        scale, bias = decision.affine
        assert softmax(logits * scale + bias) == pytest.approx(decision.probabilities(logits))
        again = Decision.from_json(decision.to_json(), chosen(prior=prior, calibrator="temperature"))
        assert np.array_equal(again.probabilities(logits), decision.probabilities(logits))


def test_the_temperature_is_the_best_beside_the_offset():
    logits, labels = validation_rows()
    offset = np.log([0.9 / 0.5, 0.1 / 0.5])
    fitted = Temperature().fit_under(logits, labels, offset)
    ours = log_loss(labels, softmax(fitted(logits) + offset))
    assert ours <= min(log_loss(labels, softmax(logits / t + offset)) for t in np.geomspace(0.05, 20, 400)) + 1e-9
    assert fitted.temperature != Temperature().fit(logits, labels).temperature


def test_after_a_fitted_prior_a_temperature_changes_nothing():
    logits, labels = validation_rows(2000)
    plain, both = (
        fit_decision(logits, labels, chosen(prior="data", calibrator=calibrator), 1, ledger(INEXACT))
        for calibrator in (None, "temperature")
    )
    assert both.probabilities(logits) == pytest.approx(plain.probabilities(logits), abs=1e-5)
    assert both.calibrator == "temperature"


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


# --- more than two classes -----------------------------------------------------------------------------------------------


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


# --- abstention ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
def test_coverage_leaves_the_most_uncertain_rows(coverage):
    logits, labels = validation_rows(1000)
    decision = fit_decision(logits, labels, chosen(threshold=Fixed(value=0.2), abstain={"coverage": coverage}), 1)
    left = decision.abstains(logits)
    assert 1 - left.mean() == pytest.approx(coverage)
    low, high = decision.abstention.band
    p = softmax(logits)[:, 1]
    assert low < 0.2 < high
    assert np.array_equal(left, (p >= low) & (p < high))
    # What is as uncertain: a false alarm costs 0.2, a miss 0.8 (Elkan 2001).
    assert low * 0.8 == pytest.approx((1 - high) * 0.2)
    uncertainties = decision.uncertainties(logits)
    assert uncertainties[left].min() > uncertainties[~left].max()


def test_coverage_is_that_of_the_stated_prevalence():
    logits, labels = validation_rows(1000)
    even = ledger(PriorShift((1.0, 1.0), True, ""), rows=(800, 200))
    settings = chosen(prior={"mel": 0.9}, abstain={"coverage": 0.7})
    decision = fit_decision(logits, labels, settings, 1, even, classes=("benign", "mel"))
    decided = ~decision.abstains(logits)
    share = 0.1 * decided[labels == 0].mean() + 0.9 * decided[labels == 1].mean()
    assert share == pytest.approx(0.7, abs=0.005)
    assert decided.mean() != pytest.approx(0.7, abs=0.02)


def test_coverage_without_a_threshold():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(200, 3)), rng.integers(0, 3, 200)
    decision = fit_decision(logits, labels, chosen(abstain={"coverage": 0.8}), None)
    left = decision.abstains(logits)
    assert left.sum() == 40
    top = softmax(logits).max(axis=1)
    assert top[left].max() < top[~left].min()


def test_a_band_beside_the_threshold_is_noted():
    logits, labels = validation_rows()
    inside = fit_decision(logits, labels, chosen(abstain={"band": [0.3, 0.7]}), 1)
    assert (inside.abstention.band, inside.notes) == ((0.3, 0.7), ())
    outside = fit_decision(logits, labels, chosen(abstain={"band": [0.6, 0.7]}), 1)
    assert "the threshold 0.5 lies outside the band [0.6, 0.7]" in outside.notes[0]
    none = fit_decision(logits, labels, chosen(abstain={"band": [0.3, 0.7]}), None)
    assert (none.abstention, none.notes) == (None, ("abstain.band needs a positive class: every row is decided",))


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


# --- each step by itself -------------------------------------------------------------------------------------------------


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


# --- equal shares --------------------------------------------------------------------------------------------------------


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
