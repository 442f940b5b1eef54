"""Programs run a file, and their outputs are judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imbalkit.errors import PluginError
from imbalkit.export.parity import MOST_LOGITS, compare_runtimes, judge
from imbalkit.kinds import Exporter, FileRuntime
from imbalkit_lite.card import Card, Input, Probabilities
from tests.export.test_parity import AFFINE, truth

CARD = Card(
    name="x",
    classes=("no", "yes"),
    input=Input(height=1, width=1, channels=3),
    probabilities=Probabilities(prior="as trained"),
    positive="yes",
    threshold=0.5,
)
TRUTH = replace(truth(), decisions=(truth().probabilities[:, 1] >= 0.5).astype(int))
INPUTS = [np.arange(400)]  # a fake program looks the answer up


class Fake(Exporter):
    """Writes nothing."""

    name, suffix, quantizations = "fake", ".fake", ("none", "int8")


def program(name="one", most=None, change=0.0, shown=True, asked=None):
    def probabilities(inputs):
        if asked is not None:
            asked.append(len(inputs))
        return TRUTH.probabilities[inputs] + np.array([change, -change])

    def logits(inputs):
        assert len(inputs) <= MOST_LOGITS
        return AFFINE[0] * TRUTH.logits[inputs] + AFFINE[1]

    return FileRuntime(name, probabilities, logits if shown else None, most)


def exact():
    return TRUTH.logits


def test_every_program_runs_and_the_first_gives_metrics():
    asked = []
    found = compare_runtimes(Fake(), [program(asked=asked), program("two", most=30, asked=asked)], TRUTH, INPUTS, CARD)
    assert asked == [400, 30]
    assert list(found) == ["one", "two"]
    assert found["one"]["auc"]["change"] == 0
    assert "auc" not in found["two"]
    assert found["two"]["rows"] == 30
    assert found["two"]["largest_logit_difference"] < 1e-12
    limits, problems = judge(Fake(), found, TRUTH, exact)
    assert limits == {"probability": 1e-5, "logit": 1e-4}
    assert problems == []


def test_a_float_file_is_refused_for_any_program():
    found = compare_runtimes(Fake(), [program(), program("two", change=1e-3)], TRUTH, INPUTS, CARD)
    _, problems = judge(Fake(), found, TRUTH, exact)
    assert problems == ["two's probabilities differ by up to 0.001, more than 1e-05"]


def test_the_networks_own_rounding_is_looked_at_only_if_need_be():
    called = []

    def rounded():
        called.append(1)
        return TRUTH.logits + 1e-3 * np.random.default_rng(0).normal(size=TRUTH.logits.shape)

    near = compare_runtimes(Fake(), [program(change=1e-6)], TRUTH, INPUTS, CARD)
    assert judge(Fake(), near, TRUTH, rounded)[1] == []
    assert not called
    far = compare_runtimes(Fake(), [program(change=2e-4)], TRUTH, INPUTS, CARD)
    limits, problems = judge(Fake(), far, TRUTH, rounded)
    assert problems == []
    assert limits["probability"] > 2e-4
    assert judge(Fake(), far, TRUTH, exact)[1]


def test_a_quantised_file_is_judged_by_its_limits_in_the_first_program():
    int8 = Fake(quantize="int8", limits={"flips": 0.01})
    found = compare_runtimes(int8, [program(change=0.001), program("two", change=0.3)], TRUTH, INPUTS, CARD)
    assert found["one"]["largest_logit_difference"] is None
    limits, problems = judge(int8, found, TRUTH, exact)
    assert limits["flips"] == 0.01
    assert problems == []
    turned = compare_runtimes(int8, [program("two", change=0.3)], TRUTH, INPUTS, CARD)
    assert any("decided otherwise (at most 1.00%)" in text for text in judge(int8, turned, TRUTH, exact)[1])


def test_outputs_of_another_shape_are_a_plugins_mistake():
    wrong = FileRuntime("odd", lambda inputs: np.zeros((len(inputs), 3)))
    with pytest.raises(
        PluginError, match=r"exporter 'fake': odd must give \[400, 2\] \(rows, classes\), got \[400, 3\]"
    ):
        compare_runtimes(Fake(), [wrong], TRUTH, INPUTS, CARD)


def test_no_program_is_no_problem():
    assert judge(Fake(), {}, TRUTH, exact) == ({"probability": 1e-5, "logit": 1e-4}, [])
    assert judge(Fake(quantize="int8"), {}, TRUTH, exact)[1] == []
