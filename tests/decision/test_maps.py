"""Maps of losses in a decision: probabilities are those that hold, with factors, calibration and a prevalence; and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from imbalkit.builtin.calibrators import Temperature, Vector
from imbalkit.builtin.losses import CE, Focal, InverseCE, Poly1, WeightedCE
from imbalkit.decision.class_prior import Entry, Ledger
from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import fit_decision
from imbalkit.decision.settings import DecisionSettings
from imbalkit.errors import DataError
from imbalkit.functional.metrics import softmax
from imbalkit.functional.prior import shares
from imbalkit.kinds import BuildContext, Loss, PriorShift
from imbalkit.report.recipe_words import _step

CLASSES, ROWS = ("a", "b", "c"), (600, 300, 100)
CONTEXT = BuildContext(CLASSES, ROWS)
OVER = Entry("samplers[0] random_over", PriorShift((1.0, 2.0, 6.0), True, "copies"))


class Squared(Loss):
    """A third party's, least at the square roots of the probabilities."""

    name = "squared"
    power: float = 2.0

    def prior_shift(self, context):
        return PriorShift((1.0,) * len(context.classes), True, "takes roots", map={"power": self.power})

    def build_map(self, values):
        module = torch.nn.Module()
        module.forward = lambda logits: logits * values["power"]
        return module


def ledger(loss, *before) -> Ledger:
    return Ledger(CLASSES, ROWS, (*before, Entry(f"loss {loss.name}", loss.prior_shift(CONTEXT), loss)))


def learnt(loss, chances) -> np.ndarray:
    """The logits that a loss with weights by class is least at where a row's classes have chances [n, C]."""
    if isinstance(loss, Squared):
        return np.log(chances) / loss.power
    module = loss.build(CONTEXT).double()
    logits = torch.zeros(len(chances), 3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [logits], max_iter=400, tolerance_grad=1e-12, tolerance_change=1e-18, line_search_fn="strong_wolfe"
    )

    def step():
        optimiser.zero_grad()
        value = sum(
            (module(logits, torch.full((len(chances),), c)) * torch.tensor(chances[:, c])).sum() for c in range(3)
        )
        value.backward()
        return value

    for _ in range(4):
        optimiser.step(step)
    return logits.detach().numpy()


def settings(prior="data", calibrator=None):
    return DecisionSettings.model_validate({"prior": prior, "calibrator": calibrator})


LOSSES = [
    Focal(gamma=2.0),
    Focal(gamma=1.5, alpha={"c": 4.0}),
    Poly1(epsilon=2.0),
    CE(label_smoothing=0.1),
    InverseCE(label_smoothing=0.1),
    Squared(),
]
NAMES = [f"{loss.name}-{index}" for index, loss in enumerate(LOSSES)]


@pytest.mark.parametrize("loss", LOSSES, ids=NAMES)
@pytest.mark.parametrize("before", [(), (OVER,)], ids=["alone", "after a sampler"])
def test_probabilities_are_those_that_hold(loss, before):
    chances = np.random.default_rng(0).dirichlet([2, 2, 2], 40) * 0.94 + 0.02
    factors = np.array(before[0].shift.factors) if before else np.ones(3)
    seen = chances * factors / (chances * factors).sum(axis=1, keepdims=True)  # after the sampler
    logits, labels = learnt(loss, seen), np.arange(40) % 3
    decision = fit_decision(logits, labels, settings(), None, ledger(loss, *before), classes=CLASSES)
    assert np.abs(decision.probabilities(logits) - chances).max() < 1e-6
    assert (decision.prior, decision.notes) == ("data", ())
    stages = [name for name, _ in decision.stages(logits)]
    weighted = bool(before) or len(set(loss.prior_shift(CONTEXT).factors)) > 1
    assert stages == ["as trained", "corrected for the loss", *(["prior restored"] if weighted else [])]
    assert loss.name.replace("_", " ") in _step(decision.corrections[0].to_json(), "")

    text = json.dumps(decision.to_json(), allow_nan=False)
    again = Decision.from_json(json.loads(text), settings(), [WeightedCE(weights={"a": 2.0}), loss])
    assert again == decision
    np.testing.assert_array_equal(again.probabilities(logits), decision.probabilities(logits))
    with pytest.raises(DataError, match=f"map of the loss '{loss.name}' cannot be read back: the recipe has no such"):
        Decision.from_json(json.loads(text), settings(), [WeightedCE(weights={"a": 2.0})])


def test_as_trained_has_no_map():
    logits = np.random.default_rng(0).normal(0, 2, (30, 3))
    decision = fit_decision(logits, np.arange(30) % 3, settings("as_trained"), None, ledger(Focal()), classes=CLASSES)
    assert decision.corrections == ()
    assert "may not be that of the data" in decision.notes[0]


@pytest.mark.parametrize("calibrator, order", [(Temperature(), -1), (Vector(), 2), (None, None)])
@pytest.mark.parametrize("loss", [Focal(alpha={"c": 4.0}), Focal()], ids=["factors", "none"])
def test_the_map_comes_first_and_one_scale_and_bias_follow_it(loss, calibrator, order):
    rng = np.random.default_rng(1)
    chances = rng.dirichlet([1, 1, 1], 3000) * 0.97 + 0.01
    labels = (chances.cumsum(1) > rng.random((3000, 1))).argmax(1)
    shift = loss.prior_shift(CONTEXT)
    seen = chances * shift.factors / (chances * shift.factors).sum(axis=1, keepdims=True)
    rows = Ledger(CLASSES, tuple(np.bincount(labels)), (Entry("loss focal", shift, loss),))
    logits = learnt(Focal(), seen)
    decision = fit_decision(logits, labels, settings("data", calibrator), None, rows, classes=CLASSES)
    assert decision.corrections[0].stage == "corrected for the loss"
    assert np.abs(decision.probabilities(logits) - chances).mean() < 0.02
    scale, bias = decision.affine
    np.testing.assert_allclose(
        softmax(decision.mapped(logits) * scale + bias), decision.probabilities(logits), atol=1e-12
    )
    if isinstance(calibrator, Temperature):
        assert decision.corrections[1].stage == "calibrated"
        assert decision.corrections[1].fitted["temperature"] == pytest.approx(1, abs=0.1)


def test_a_stated_prevalence_moves_the_mapped_probabilities():
    chances = np.random.default_rng(0).dirichlet([2, 2, 2], 40) * 0.94 + 0.02
    logits, target = learnt(Focal(), chances), np.array([0.2, 0.3, 0.5])
    stated = dict(zip(CLASSES, target.tolist(), strict=True))
    decision = fit_decision(logits, np.arange(40) % 3, settings(stated), None, ledger(Focal()), classes=CLASSES)
    balanced = fit_decision(logits, np.arange(40) % 3, settings("balanced"), None, ledger(Focal()), classes=CLASSES)
    even = chances / shares(ROWS)
    np.testing.assert_allclose(balanced.probabilities(logits), even / even.sum(1, keepdims=True), atol=1e-6)
    moved = chances * target / shares(ROWS)
    np.testing.assert_allclose(decision.probabilities(logits), moved / moved.sum(1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(decision.at_data_prior(logits), chances, atol=1e-6)


def test_beside_an_inexact_part_the_prior_is_fitted_on_the_networks_logits():
    inexact = Entry("samplers[0] loss_rank", PriorShift((1.0, 2.0, 6.0), False, "by image"))
    logits = np.random.default_rng(0).normal(0, 2, (300, 3))
    decision = fit_decision(logits, logits.argmax(1), settings(), None, ledger(Focal(), inexact), classes=CLASSES)
    assert [step.name for step in decision.corrections] == ["bias and temperature"]


def test_the_ledger_shows_the_map():
    facts = json.loads(json.dumps(ledger(Focal()).to_json(), allow_nan=False))
    assert facts["entries"] == [
        {"stage": "loss focal", "factors": [1, 1, 1], "exact": True, "why": facts["entries"][0]["why"],
         "map": {"name": "focal", "gamma": 2.0}}
    ]  # fmt: skip
    assert (facts["shifted"], facts["exact"]) == (True, True)
    assert "map" not in ledger(CE()).to_json()["entries"][0]
