"""The loss parts: what recipes may say, and the modules they build."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from torch._subclasses.fake_tensor import FakeTensorMode

from imbalkit.builtin.losses import (
    CE,
    LDAM,
    LOSSES,
    RCE,
    VS,
    ClassBalanced,
    Distill,
    Focal,
    GammaRCE,
    InverseCE,
    LabelAwareSmoothing,
    LogitAdjusted,
    Poly1,
    WeightedCE,
)
from imbalkit.errors import ImbalkitError
from imbalkit.kinds import BuildContext

CONTEXT = BuildContext(classes=("benign", "malignant", "rare"), counts=(80, 20, 0), positive=1)
PARTS = [
    CE(),
    CE(label_smoothing=0.1),
    WeightedCE(weights={"malignant": 4}),
    InverseCE(),
    Poly1(),
    Focal(alpha={"malignant": 0.5}),
    RCE(estimator="ema"),
    GammaRCE(gamma=10.0, estimator="epoch"),
    GammaRCE(costs={"malignant": 10, "rare": 2}),
    CE(label_smoothing={"benign": 0.3}),
    WeightedCE(weights={"malignant": 4}, label_smoothing={"benign": 0.3}),
    ClassBalanced(),
    ClassBalanced(beta=0.9, gamma=2.0),
    ClassBalanced(power=0.5, scale="classes"),
    ClassBalanced(scale="batch"),
    LabelAwareSmoothing(),
    LDAM(),
    LDAM(beta=0.99),
    LogitAdjusted(),
    VS(),
]


def batch(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(30, 3, generator=generator), torch.randint(2, (30,), generator=generator)


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_none_waits_for_a_gpu(part):
    """Tensors without values cannot be read from."""
    with FakeTensorMode():
        module = part.build(CONTEXT).to("meta")
        logits = torch.empty(8, 3, device="meta", requires_grad=True)
        module(logits, torch.empty(8, dtype=torch.int64, device="meta")).sum().backward()


def test_names():
    assert [loss.name for loss in LOSSES] == sorted(loss.name for loss in LOSSES)
    # Those that rank a batch (test_whole_batch_losses.py) and the one with a teacher have tests of their own.
    assert {type(part) for part in PARTS} == {loss for loss in LOSSES if loss.by_row or issubclass(loss, RCE)} - {
        Distill
    }
    for loss in LOSSES:
        assert all(field.description for field in loss.model_fields.values())


def test_listing_imports_no_torch():
    code = "import sys, imbalkit.builtin.losses, imbalkit.builtin.scores; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_plain_loop_with_a_built_part(part):
    torch.manual_seed(0)
    model, loss = torch.nn.Linear(3, 3), part.build(CONTEXT)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    features, targets = batch()
    first = F.cross_entropy(model(features), targets).item()
    for _ in range(30):
        optimizer.zero_grad()
        rows = loss(model(features), targets)
        assert rows.shape == (30,)
        assert rows.dtype == torch.float32
        rows.mean().backward()
        optimizer.step()
    assert F.cross_entropy(model(features), targets).item() < first
    assert not hasattr(loss, "class_weights") or loss.class_weights().shape == (3,)


def test_weighted_ce():
    logits, targets = batch()
    module = WeightedCE(weights={"malignant": 4, "rare": 0}).build(CONTEXT)
    assert module.class_weights().tolist() == [1, 4, 0]
    rows = F.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(module(logits, targets), rows * torch.tensor([1.0, 4.0, 0.0])[targets])


def test_inverse_ce_takes_the_plans_counts():
    assert InverseCE().build(CONTEXT).class_weights().tolist() == pytest.approx([100 / 240, 100 / 60, 0])


def test_focal_passes_its_parameters_on():
    logits, targets = batch()
    p = logits.softmax(1).gather(1, targets[:, None])[:, 0]
    expected = (1 - p) ** 3 * -p.log() * torch.tensor([1.0, 0.5, 1.0])[targets]
    torch.testing.assert_close(
        Focal(gamma=3.0, alpha={"malignant": 0.5}).build(CONTEXT)(logits, targets), expected, rtol=1e-5, atol=1e-6
    )


def test_rce_passes_its_parameters_on():
    module = RCE(estimator="ema", floor=0.5, decay=0.7, label_smoothing=0.1).build(CONTEXT)
    assert (module.estimator, module.floor, module.decay, module.label_smoothing) == ("ema", 0.5, 0.7, 0.1)
    assert (module.num_classes, module.costs) == (3, None)


@pytest.mark.parametrize("estimator", ["batch", "ema", "epoch"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gamma_1_equals_rce_exactly(estimator, smoothing):
    options = {"estimator": estimator, "label_smoothing": smoothing}
    plain, gamma = RCE(**options).build(CONTEXT), GammaRCE(gamma=1.0, **options).build(CONTEXT)
    for step in range(4):
        logits, targets = batch(step)
        ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
        losses = gamma(ours, targets), plain(theirs, targets)
        assert torch.equal(*losses)
        losses[0].mean().backward(), losses[1].mean().backward()
        assert torch.equal(ours.grad, theirs.grad)
        gamma.epoch_finished(), plain.epoch_finished()


@pytest.mark.parametrize("gamma", [10.0, 100.0, 10_000.0])
def test_gamma_multiplies_the_positive_class(gamma):
    logits, targets = batch()
    rce = RCE().build(CONTEXT)
    plain = rce(logits, targets)
    factors = torch.tensor([1.0, gamma, 1.0])
    by_gamma, by_costs = GammaRCE(gamma=gamma).build(CONTEXT), GammaRCE(costs={"malignant": gamma}).build(CONTEXT)
    torch.testing.assert_close(by_gamma(logits, targets), plain * factors[targets], rtol=1e-6, atol=0)
    assert torch.equal(by_gamma(logits, targets), by_costs(logits, targets))
    torch.testing.assert_close(by_gamma.class_weights(), rce.class_weights() * factors, rtol=1e-6, atol=0)
    assert "costs" not in by_gamma.state_dict()


@pytest.mark.parametrize(
    "part, values, message",
    [
        (GammaRCE, {}, "expected either gamma or costs, got neither"),
        (GammaRCE, {"gamma": 2.0, "costs": {"malignant": 2.0}}, "expected either gamma or costs, got both"),
        (GammaRCE, {"gamma": -1.0}, "greater than or equal to 0"),
        (GammaRCE, {"costs": {"malignant": -1.0}}, "greater than or equal to 0"),
        (WeightedCE, {}, "Field required"),
        (WeightedCE, {"weights": {}}, "at least 1"),
        (WeightedCE, {"weights": {"benign": float("inf")}}, "finite"),
        (Focal, {"gamma": -0.1}, "greater than or equal to 0"),
        (RCE, {"estimator": "running"}, "'batch', 'ema' or 'epoch'"),
        (RCE, {"floor": -1.0}, "greater than or equal to 0"),
        (RCE, {"decay": 1.0}, "less than 1"),
        (CE, {"label_smoothing": "0.1"}, "expected a number from 0 to 1, or a mapping from classes"),
        (CE, {"label_smoothing": {"benign": 1.5}}, "less than or equal to 1"),
        (CE, {"label_smoothing": 1.5}, "less than or equal to 1"),
        (ClassBalanced, {"beta": 0.9, "power": 1.0}, "expected either beta or power, got both"),
        (CE, {"smoothing": 0.1}, "unknown key; did you mean .label_smoothing"),
    ],
)
def test_parameters_are_checked(part, values, message):
    with pytest.raises(ValidationError, match=message):
        part.model_validate(values)


def test_class_names_are_checked_against_the_data():
    with pytest.raises(ValidationError, match="no class 'malignent'; did you mean 'malignant'"):
        WeightedCE.model_validate({"weights": {"malignent": 2.0}}, context={"classes": CONTEXT.classes})
    with pytest.raises(ImbalkitError, match="no class 'malignent'; did you mean 'malignant'"):
        WeightedCE(weights={"malignent": 2.0}).build(CONTEXT)
    with pytest.raises(ImbalkitError, match="no class 'x'"):
        GammaRCE(costs={"x": 2.0}).build(CONTEXT)
    assert WeightedCE.model_validate({"weights": {3: 2.0}}).weights == {"3": 2.0}


def test_gamma_needs_a_positive_class():
    with pytest.raises(ImbalkitError, match="name the positive class, or give costs"):
        GammaRCE(gamma=2.0).build(BuildContext(classes=("a", "b"), counts=(1, 1)))
