"""From logits to decisions."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from imbalkit.calibrators.temperature import Temperature
from imbalkit.decision import Decision, DecisionSettings, decide, fit_decision
from imbalkit.errors import DataError
from imbalkit.functional.metrics import softmax
from imbalkit.thresholds.fixed import Fixed
from imbalkit.thresholds.target_recall import TargetRecall
from imbalkit.thresholds.youden import Youden


def validation_rows(rows: int = 300):
    rng = np.random.default_rng(0)
    labels = (rng.random(rows) < 0.2).astype(np.int64)
    return rng.normal(size=(rows, 2)) + 2.0 * np.eye(2)[labels] * [1, 0.5], labels


def test_settings_by_name():
    chosen = DecisionSettings.model_validate(
        {"calibrator": "temperature", "threshold": {"name": "target_recall", "recall": 0.95}}
    )
    assert chosen.calibrator == Temperature()
    assert chosen.threshold == TargetRecall(recall=0.95)
    assert DecisionSettings().calibrator is None
    assert DecisionSettings(calibrator=None).threshold == Fixed(value=0.5)
    assert DecisionSettings.model_validate(chosen.model_dump(mode="json")) == chosen
    with pytest.raises(ValidationError, match="there is no threshold 'yuden'; did you mean 'youden'") as caught:
        DecisionSettings.model_validate({"threshold": "yuden", "calibrator": "temprature"})
    assert sorted(error["loc"] for error in caught.value.errors()) == [("calibrator",), ("threshold",)]


@pytest.mark.parametrize("positive", [0, 1])
def test_decide_two_classes(positive):
    probability = np.array([0.1, 0.3, 0.5, 0.9])
    probabilities = np.stack([probability, 1 - probability], axis=1)[:, :: 1 if positive == 0 else -1]
    assert (
        decide(probabilities, 0.3, positive).tolist() == np.where(probability >= 0.3, positive, 1 - positive).tolist()
    )
    assert decide(probabilities, 0.3, None).tolist() == probabilities.argmax(axis=1).tolist()


def test_decide_many_classes_takes_the_most_probable():
    probabilities = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
    assert decide(probabilities, 0.9, None).tolist() == [1, 0]
    assert decide(probabilities, None, None).tolist() == [1, 0]


def test_fit_reaches_the_recall_after_calibration():
    logits, labels = validation_rows()
    chosen = DecisionSettings(calibrator=Temperature(), threshold=TargetRecall(recall=0.95))
    decision = fit_decision(logits, labels, chosen, positive=1)
    called = decision.decide(logits)
    assert (called[labels == 1] == 1).mean() >= 0.95
    assert decision.temperature == Temperature().fit(logits, labels).temperature != 1
    assert decision.probabilities(logits) == pytest.approx(softmax(logits / decision.temperature))
    assert decision.threshold == TargetRecall(recall=0.95).choose(labels == 1, decision.probabilities(logits)[:, 1])
    assert (decision.rule, decision.calibrator, decision.notes) == ("target_recall", "temperature", ())
    assert decision.rows == tuple(np.bincount(labels))


def test_a_decision_is_read_back_from_json():
    logits, labels = validation_rows()
    for chosen in (
        DecisionSettings(calibrator=Temperature(), threshold=Youden()),
        DecisionSettings(threshold=Fixed(value=0.3)),
    ):
        decision = fit_decision(logits, labels, chosen, positive=1)
        again = Decision.from_json(json.loads(json.dumps(decision.to_json(), allow_nan=False)), chosen)
        assert again == decision
        assert np.array_equal(again.decide(logits), decision.decide(logits))


def test_the_default_is_one_half_uncalibrated():
    logits, labels = validation_rows()
    decision = fit_decision(logits, labels, DecisionSettings(), positive=1)
    assert (decision.threshold, decision.temperature, decision.notes) == (0.5, 1.0, ())
    assert decision.calibrate(logits) is logits
    assert np.array_equal(decision.decide(logits), (softmax(logits)[:, 1] >= 0.5).astype(int))


def test_without_validation_rows_nothing_is_fitted_and_the_notes_say_so():
    chosen = DecisionSettings(calibrator=Temperature(), threshold=Youden())
    decision = fit_decision(np.zeros((0, 2)), np.zeros(0, dtype=int), chosen, positive=1)
    assert (decision.threshold, decision.temperature, decision.calibrator, decision.rule) == (0.5, 1.0, None, None)
    assert decision.notes == (
        "there are no validation rows: the probabilities are not calibrated",
        "there are no validation rows: the threshold is 0.5, not that of 'youden'",
    )
    assert (
        fit_decision(np.zeros((0, 2)), np.zeros(0, dtype=int), DecisionSettings(threshold=Fixed(value=0.2)), 1).notes
        == ()
    )


def test_validation_rows_of_one_class():
    decision = fit_decision(np.zeros((3, 2)), np.zeros(3, dtype=int), DecisionSettings(threshold=Youden()), positive=1)
    assert decision.threshold == 0.5
    assert "no validation rows of both classes: the threshold is 0.5" in decision.notes[0]


@pytest.mark.parametrize("threshold", [Youden(), Fixed(value=0.3)])
def test_a_threshold_for_many_classes_is_noted(threshold):
    logits, labels = np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 1])
    decision = fit_decision(logits, labels, DecisionSettings(threshold=threshold), positive=None)
    assert decision.threshold is None
    assert "is for two classes: the most probable class is called" in decision.notes[0]
    assert decision.decide(logits).tolist() == [0, 1, 2, 0]
    assert fit_decision(logits, labels, DecisionSettings(), positive=None).notes == ()


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


def test_a_calibrator_without_restore_cannot_be_read_back():
    class Other:
        name = "other"

    with pytest.raises(DataError, match="'other' cannot be read back"):
        Decision.from_json(
            {**Decision(calibrator="other").to_json()}, DecisionSettings.model_construct(calibrator=Other())
        )
