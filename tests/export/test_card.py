"""What a file says of itself is what its run did."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from imbalkit.builtin.calibrators.temperature import Scaling
from imbalkit.builtin.exporters import Onnx
from imbalkit.decision.corrections import PRIOR, Correction, offset
from imbalkit.decision.decision import Abstention, Decision
from imbalkit.export.card import card_of
from imbalkit.export.graph import deployed
from imbalkit.functional.abstain import limit_for_coverage
from imbalkit.functional.metrics import softmax
from imbalkit.runs.restore import restore
from imbalkit_lite.card import Card
from imbalkit_lite.decisions import abstains, decide

COSTS = ((0.0, 1.0, 2.0), (8.0, 0.5, 3.0), (1.0, 1.0, 0.0))


def test_a_card_holds_what_a_user_needs(finished_run):
    restored = restore(finished_run)
    card = card_of(restored, Onnx(quantize="fp16", input="uint8"))
    metrics, facts = (json.loads((finished_run / f"{name}.json").read_text()) for name in ("metrics", "run"))
    assert Card.from_text(card.to_text()) == card
    assert card.classes == ("common", "rare")
    assert card.positive == "rare"
    assert card.threshold == metrics["decision"]["threshold"]
    assert (card.input.height, card.input.width, card.input.channels) == (32, 24, 3)
    assert (card.input.layout, card.input.type, card.input.range) == ("NCHW", "uint8", (0, 255))
    assert (card.resize, card.interpolation, card.exif) == ("crop", "bicubic", True)
    assert card.normalisation.mean == pytest.approx(restored.recipe.backbone.preprocessing().mean)
    assert card.normalisation.std == pytest.approx(restored.recipe.backbone.preprocessing().std)
    assert card.probabilities.calibrator == "temperature"
    assert card.quantization == "fp16"
    assert card.run.recipe_hash == facts["recipe_hash"]
    assert card.run.weights_sha256 == hashlib.sha256((finished_run / "model.safetensors").read_bytes()).hexdigest()
    assert card.run.imbalkit == facts["versions"]["imbalkit"]


def test_a_grey_model_of_ten_classes(finished_run_of_digits):
    card = card_of(restore(finished_run_of_digits), Onnx())
    assert card.classes == tuple("0123456789")
    assert (card.positive, card.threshold, card.input.channels) == (None, None, 1)
    assert len(card.normalisation.mean) == 1


@pytest.mark.parametrize(
    "prior, stated, words",
    [
        ("as_trained", "as_trained", "as trained"),
        ("data", "data", "of the data"),
        ("balanced", "balanced", "balanced: every class as frequent as any other"),
        ("stated", {"rare": 0.02}, "stated: rare 0.02"),
    ],
)
def test_the_prior_is_said_in_words(finished_run, prior, stated, words):
    restored = restore(finished_run)
    settings = restored.recipe.decision.model_copy(update={"prior": stated})
    recipe = restored.recipe.model_copy(update={"decision": settings})
    changed = replace(restored, recipe=recipe, decision=replace(restored.decision, prior=prior))
    assert card_of(changed, Onnx()).probabilities.prior == words


def test_the_order_of_the_steps_is_said_and_the_graph_does_them(finished_run):
    restored = restore(finished_run)
    steps = (
        Correction("calibrated", "temperature", Scaling(2.0)),
        offset(PRIOR, np.array([0.5, 0.5]), np.array([0.98, 0.02])),
    )
    decision = replace(restored.decision, corrections=steps, prior="data", rows=(1, 1))
    changed = replace(restored, decision=decision)
    words = "; steps on the logits: calibrated (temperature), prior restored (offset)"
    assert card_of(changed, Onnx()).probabilities.prior.endswith(words)
    rows = np.random.default_rng(0).normal(size=(20, 2))
    graph = deployed(changed, Onnx())[0].calibration
    given = graph(torch.from_numpy(rows).float()).softmax(dim=1).numpy()
    assert given == pytest.approx(softmax(rows / 2 + np.log([0.98 / 0.5, 0.02 / 0.5])), abs=1e-6)


def logits(classes, rows=500):
    return 2 * np.random.default_rng(classes).normal(size=(rows, classes))


def decisions():
    """Decisions with every kind of rule and abstention, by a name."""
    plain = {
        "most probable": Decision(threshold=None, rows=(1, 1, 1)),
        "threshold of two": Decision(threshold=0.3, positive=1, rows=(1, 1)),
        "threshold of three": Decision(threshold=0.2, positive=2, rows=(1, 1, 1)),
        "costs": Decision(threshold=None, costs=COSTS, positive=1, rows=(1, 1, 1)),
        "costs before a threshold": Decision(threshold=0.5, costs=COSTS, positive=1, rows=(1, 1, 1)),
    }
    for name, decision in plain.items():
        yield pytest.param(decision, id=name)
        uncertainties = decision.uncertainties(logits(len(decision.rows)))
        for coverage in (0.5, 0.9):
            limit = limit_for_coverage(uncertainties, coverage)
            yield pytest.param(replace(decision, abstention=Abstention("x", limit=limit)), id=f"{name}, {coverage}")
        yield pytest.param(replace(decision, abstention=Abstention("x", limit=float("inf"))), id=f"{name}, everything")
        if decision.positive is not None:
            yield pytest.param(replace(decision, abstention=Abstention("x", band=(0.2, 0.6))), id=f"{name}, band")


@pytest.mark.parametrize("decision", list(decisions()))
def test_the_card_decides_and_abstains_as_the_run(finished_run, decision):
    restored = restore(finished_run)
    classes = ("common", "rare", "other")[: len(decision.rows)]
    context = replace(restored.context, classes=classes, positive=decision.positive)
    card = card_of(replace(restored, context=context, decision=decision), Onnx())
    rows = logits(len(classes))
    probabilities = decision.probabilities(rows)
    assert np.array_equal(decide(probabilities, card), decision.decide(rows))
    assert np.array_equal(abstains(probabilities, card), decision.abstains(rows))
    if decision.abstention is not None and decision.abstention.limit not in (None, float("inf")):
        assert 0.05 < abstains(probabilities, card).mean() < 0.55
