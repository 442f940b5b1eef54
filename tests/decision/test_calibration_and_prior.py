"""A restored prior and a calibrator, whichever comes first."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.builtin.calibrators.isotonic import Isotonic
from imbalkit.builtin.calibrators.temperature import Temperature
from imbalkit.builtin.calibrators.vector import Vector
from imbalkit.builtin.thresholds.fixed import Fixed
from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import fit_decision
from imbalkit.decision.settings import DecisionSettings
from imbalkit.functional.metrics import log_loss, softmax
from imbalkit.kinds import Calibrator, PriorShift
from tests.decision.made_up import EXACT, INEXACT, chosen, ledger, validation_rows


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
