"""Decision: from logits to probabilities, decisions and rows left undecided, and back from JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from imbalkit.builtin.calibrators.isotonic import Isotonic
from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.builtin.calibrators.vector import Vector
from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.builtin.thresholds.target_recall import TargetRecall
from imbalkit.decision.corrections import (
    CALIBRATION,
    PREVALENCE,
    PRIOR,
    Correction,
    bias_and_temperature,
    calibration,
    offset,
)
from imbalkit.decision.decision import Abstention, Decision, decide
from imbalkit.decision.settings import AbstainSettings, DecisionSettings
from imbalkit.errors import DataError
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import Calibrator


def rows(classes: int = 2, count: int = 300):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, count)
    return rng.normal(size=(count, classes)) + 2.0 * np.eye(classes)[labels], labels


def whole(calibrator=None, classes: int = 2) -> Decision:
    """A decision with every sort of correction."""
    logits, labels = rows(classes)
    steps = [bias_and_temperature(logits, labels)]
    if calibrator is not None:
        steps.append(calibration(calibrator, steps[0].apply(logits), labels))
    prior = np.full(classes, 1 / classes)
    steps.append(offset(PREVALENCE, prior, np.array([0.9, *np.full(classes - 1, 0.1 / (classes - 1))])))
    return Decision(0.3, tuple(steps), "stated", "cost", positive=1, rows=tuple(np.bincount(labels).tolist()))


def test_settings_by_name():
    chosen = DecisionSettings.model_validate(
        {
            "prior": {"mel": 0.02},
            "calibrator": "temperature",
            "threshold": {"name": "target_recall", "recall": 0.95},
            "abstain": {"coverage": 0.9},
        }
    )
    assert chosen.calibrator == Temperature()
    assert chosen.threshold == TargetRecall(recall=0.95)
    assert chosen.abstain == AbstainSettings(coverage=0.9)
    assert DecisionSettings().calibrator is None
    assert (DecisionSettings().prior, DecisionSettings().abstain) == ("as_trained", None)
    assert DecisionSettings(calibrator=None).threshold == Fixed(value=0.5)
    assert DecisionSettings.model_validate(chosen.model_dump(mode="json")) == chosen
    with pytest.raises(ValidationError, match="there is no threshold 'yuden'; did you mean 'youden'") as caught:
        DecisionSettings.model_validate({"threshold": "yuden", "calibrator": "temprature"})
    assert sorted(error["loc"] for error in caught.value.errors()) == [("calibrator",), ("threshold",)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"prior": "deployed"},
            "expected 'as_trained', 'data', 'balanced' or a mapping from classes to prevalences; got 'deployed'",
        ),
        ({"prior": 0.02}, "expected 'as_trained', 'data', 'balanced' or a mapping"),
        ({"prior": {"a": 1.5}}, "less than 1"),
        ({"prior": {"a": 0.0}}, "greater than 0"),
        ({"prior": {"a": 0.7, "b": 0.7}}, "sum to 1 at most, got 1.4"),
        ({"prior": {}}, "at least 1 item"),
        ({"abstain": {}}, "expected either band or coverage, got neither"),
        ({"abstain": {"band": [0.2, 0.4], "coverage": 0.9}}, "expected either band or coverage, got both"),
        ({"abstain": {"band": [0.4, 0.2]}}, "0 <= low < high <= 1"),
        ({"abstain": {"band": [0.4]}}, "0 <= low < high <= 1"),
        ({"abstain": {"coverage": 1.0}}, "less than 1"),
    ],
)
def test_settings_that_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        DecisionSettings.model_validate(given)


@pytest.mark.parametrize("positive", [0, 1])
def test_decide_two_classes(positive):
    probability = np.array([0.1, 0.3, 0.5, 0.9])
    probabilities = np.stack([probability, 1 - probability], axis=1)[:, :: 1 if positive == 0 else -1]
    expected = np.where(probability >= 0.3, positive, 1 - positive).tolist()
    assert decide(probabilities, 0.3, positive).tolist() == expected
    assert decide(probabilities, 0.3, None).tolist() == probabilities.argmax(axis=1).tolist()


def test_decide_many_classes_takes_the_most_probable():
    probabilities = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
    assert decide(probabilities, 0.9, None).tolist() == [1, 0]
    assert decide(probabilities, None, 2).tolist() == [1, 0]


def test_decide_many_classes_by_the_threshold_of_one():
    probabilities = np.array([[0.2, 0.5, 0.3], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
    assert decide(probabilities, 0.2, 0).tolist() == [0, 1, 0, 0, 2]
    # Below its threshold the positive class is not called, not even where it is the most probable.
    assert decide(probabilities, 0.75, 0).tolist() == [1, 1, 2, 1, 2]


def test_decide_by_least_expected_cost():
    probabilities = np.array([[0.90, 0.06, 0.04], [0.60, 0.30, 0.10]])
    costs = ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (30.0, 5.0, 0.0))
    expected = [min(range(3), key=lambda d: sum(float(p[y]) * costs[y][d] for y in range(3))) for p in probabilities]
    assert decide(probabilities, None, None, costs).tolist() == expected == [2, 2]
    assert decide(probabilities, 0.99, 1, tuple(map(tuple, 1 - np.eye(3)))).tolist() == [0, 0]


@pytest.mark.parametrize("calibrator", [None, Temperature(), Vector()])
@pytest.mark.parametrize("classes", [2, 4])
def test_scale_and_bias_are_all_that_the_corrections_do(calibrator, classes):
    logits, _ = rows(classes)
    decision = whole(calibrator, classes)
    scale, bias = decision.affine
    assert scale.shape == bias.shape == (classes,)
    assert decision.probabilities(logits) == pytest.approx(softmax(logits * scale + bias), abs=1e-12)
    assert not np.allclose(scale, 1)
    assert not np.allclose(bias, 0)


def test_isotonic_has_no_scale_and_bias():
    assert whole(Isotonic()).affine is None
    assert [part.tolist() for part in Decision(rows=(5, 3, 1)).affine] == [[1, 1, 1], [0, 0, 0]]


def test_stages_end_before_the_stated_prevalence():
    logits, _ = rows()
    decision = whole(Temperature())
    stages = decision.stages(logits)
    assert [name for name, _ in stages] == ["as trained", "prior restored", "calibrated"]
    assert stages[0][1] == pytest.approx(softmax(logits))
    assert stages[1][1] == pytest.approx(softmax(decision.corrections[0].apply(logits)))
    assert stages[-1][1] == pytest.approx(decision.at_data_prior(logits))
    by_hand = decision.at_data_prior(logits) * [0.9, 0.1]
    assert decision.probabilities(logits) == pytest.approx(by_hand / by_hand.sum(axis=1, keepdims=True))
    assert [name for name, _ in Decision().stages(logits)] == ["as trained"]


def test_undecided_rows_by_band_and_by_limit():
    chance = np.array([0.05, 0.2, 0.35, 0.5, 0.9])
    logits = np.log(np.stack([1 - chance, chance], axis=1))
    decision = Decision(0.3, positive=1, rows=(4, 1), abstention=Abstention("", band=(0.2, 0.5)))
    assert decision.abstains(logits).tolist() == [False, True, True, False, False]
    assert decision.decide(logits).tolist() == [0, 0, 1, 1, 1]
    assert not replace(decision, abstention=None).abstains(logits).any()
    many = Decision(None, rows=(1, 1, 1), abstention=Abstention("", limit=0.45))
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]])
    assert many.abstains(np.log(probabilities)).tolist() == [True, False]
    assert many.uncertainties(np.log(probabilities)) == pytest.approx([0.5, 0.4])


@pytest.mark.parametrize("calibrator", [None, Temperature(), Vector(), Isotonic()])
def test_a_decision_is_read_back_from_json(calibrator):
    logits, _ = rows()
    decision = replace(
        whole(calibrator), costs=((0.0, 1.0), (9.0, 0.0)), abstention=Abstention("b", band=(0.1, 0.2)), notes=("n",)
    )
    text = json.dumps(decision.to_json(), allow_nan=False)
    again = Decision.from_json(json.loads(text), DecisionSettings(calibrator=calibrator))
    assert again == decision
    assert np.array_equal(again.probabilities(logits), decision.probabilities(logits))
    assert np.array_equal(again.decide(logits), decision.decide(logits))
    assert np.array_equal(again.abstains(logits), decision.abstains(logits))
    assert (again.calibrator, again.prior) == (None if calibrator is None else calibrator.name, "stated")


def test_a_run_of_a_version_that_knew_calibrators_alone_is_read():
    facts = {
        "threshold": 0.3, "rule": "youden", "calibrator": "temperature", "fitted": {"temperature": 2.0}, "positive": 1,
        "rows": [5, 2], "notes": [],
    }  # fmt: skip
    decision = Decision.from_json(facts, DecisionSettings(calibrator=Temperature()))
    logits, _ = rows()
    assert decision.probabilities(logits) == pytest.approx(softmax(logits / 2))
    assert (decision.calibrator, decision.rule, decision.prior) == ("temperature", "youden", "as_trained")
    plain = Decision.from_json({**facts, "calibrator": None, "fitted": {}}, DecisionSettings())
    assert plain.corrections == ()


def test_a_calibrator_without_restore_cannot_be_read_back():
    class Other(Calibrator):
        """It has no restore."""

        name = "other"

    decision = Decision(corrections=(Correction(CALIBRATION, "other", lambda logits: logits),))
    with pytest.raises(DataError, match="'other' cannot be read back"):
        Decision.from_json(decision.to_json(), DecisionSettings.model_construct(calibrator=Other()))
    assert decision.affine is None  # nothing is known of what a third party's function does


def test_an_offset_is_undone_by_its_opposite():
    logits, _ = rows(3)
    one, other = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.1, 0.8])
    there, back = offset(PRIOR, one, other), offset(PRIOR, other, one)
    assert softmax(back.apply(there.apply(logits))) == pytest.approx(softmax(logits))
    assert sum(there.fitted["bias"]) == pytest.approx(0)
