"""What a loss made in Python refuses: anything but one weight a class, in their order."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from imbalkit.builtin.losses import Focal as FocalPart
from imbalkit.builtin.losses import GammaRCE, WeightedCE
from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import CrossEntropy, WeightedCrossEntropy
from imbalkit.functional.focal import Focal, focal_loss
from imbalkit.functional.rce import RecallCrossEntropy

CONVENTION = "one weight a class, in the order of the classes"
MADE_WITH_WEIGHTS = {
    "alpha": lambda weights: Focal(2, alpha=weights),
    "weights": WeightedCrossEntropy,
    "costs": lambda weights: RecallCrossEntropy(2, costs=weights),
}


@pytest.mark.parametrize("name", MADE_WITH_WEIGHTS)
@pytest.mark.parametrize(
    "weights",
    [
        0.25, [], [[1.0, 2.0]], [-1, 1], [0, 0], [1.0, float("nan")], [1.0, float("inf")], [1.0, 1e39], "ab", ["a", "b"],
        {"a": 1, "b": 2}, torch.tensor(2.0), torch.tensor([-1.0, 1.0]), np.zeros(2),
        pytest.param(object(), id="object"),
    ],
    ids=str,
)  # fmt: skip
def test_no_weights(name, weights):
    with pytest.raises(ImbalkitError, match=f"^{name}: expected .*{CONVENTION}.*; got "):
        MADE_WITH_WEIGHTS[name](weights)


@pytest.mark.parametrize("weights", [[0.25], [0.25, 0.5, 0.25], torch.ones(3)], ids=str)
@pytest.mark.parametrize("name", ["alpha", "costs"])
def test_a_weight_too_many_or_too_few(name, weights):
    with pytest.raises(ImbalkitError, match=f"^{name}: expected 2 numbers, {CONVENTION}"):
        MADE_WITH_WEIGHTS[name](weights)


@pytest.mark.parametrize("name", MADE_WITH_WEIGHTS)
@pytest.mark.parametrize("weights", [[0, 1], (1, 2.5), torch.tensor([1, 3]), np.array([0.5, 2.0], dtype=np.float32)])
def test_weights_of_any_sequence(name, weights):
    loss = MADE_WITH_WEIGHTS[name](weights)
    assert torch.isfinite(loss(torch.zeros(4, 2), torch.tensor([0, 1, 1, 0])))


def test_bare_tensors_are_looked_at_too():
    logits, targets = torch.zeros(2, 2), torch.tensor([0, 1])
    for alpha in (torch.ones(3), torch.ones(1), torch.tensor(1.0)):
        with pytest.raises(ImbalkitError, match=re.escape("alpha: expected a weight for each class, [2], got")):
            focal_loss(logits, targets, alpha=alpha)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Focal(2, gamma=-1), "gamma: expected a number of at least 0, got -1"),
        (lambda: Focal(2, gamma=float("nan")), "gamma: expected a number"),
        (lambda: Focal(1), "num_classes: expected a whole number of at least 2, got 1"),
        (lambda: Focal(2.0), "num_classes: expected a whole number"),
        (lambda: CrossEntropy(label_smoothing=1.5), "label_smoothing: expected a number of at least 0 and at most 1, got 1.5"),
        (lambda: WeightedCrossEntropy([1, 2], label_smoothing=-0.1), "label_smoothing: expected"),
        (lambda: RecallCrossEntropy(2, label_smoothing="0.1"), "label_smoothing: expected .*, got '0.1'"),
        (lambda: RecallCrossEntropy(2, floor=-1), "floor: expected a number of at least 0"),
        (lambda: RecallCrossEntropy(2, decay=1.0), "decay: expected a number of at least 0 and below 1, got 1"),
        (lambda: RecallCrossEntropy(True), "num_classes: expected a whole number"),
    ],
)  # fmt: skip
def test_other_numbers(make, message):
    with pytest.raises(ImbalkitError, match=message):
        make()


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (FocalPart(alpha={"a": 0.0, "b": 0.0}), "alpha"),
        (WeightedCE(weights={"a": 0.0, "b": 0.0}), "weights"),
        (GammaRCE(costs={"a": 0.0, "b": 0.0}), "costs"),
    ],
)
def test_a_recipe_that_weighs_nothing_is_refused_before_training(part, field):
    ((where, message),) = part.check_classes(("a", "b"))
    assert where == field
    assert "weight of 0" in message
    assert part.check_classes(("a", "b", "c")) == []  # a class that is not named weighs 1
