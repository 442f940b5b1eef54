"""focal against torchvision (two classes), kornia (many) and a float64 formula; gradients where p rounds to 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from kornia.losses import focal_loss as kornia_focal
from torchvision.ops import sigmoid_focal_loss

from imbalkit.functional.ce import cross_entropy
from imbalkit.functional.focal import Focal, focal_loss


def batch(rows=40, classes=5, seed=0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(0, 3, (rows, classes))), torch.tensor(rng.integers(0, classes, rows))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_equals_the_float64_formula(gamma):
    logits, targets = batch()
    x, y = logits.numpy(), targets.numpy()
    p = (np.exp(x) / np.exp(x).sum(1, keepdims=True))[np.arange(len(y)), y]
    alpha = np.array([1.0, 2.0, 0.0, 0.5, 3.0])
    expected = -alpha[y] * (1 - p) ** gamma * np.log(p)
    rows = focal_loss(logits, targets, gamma, torch.tensor(alpha), "none")
    np.testing.assert_allclose(rows.numpy(), expected, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(
        focal_loss(logits, targets, gamma, torch.tensor(alpha)).item(), expected.mean(), rtol=1e-9
    )


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_two_classes_equal_torchvisions_sigmoid_focal_loss(gamma):
    z, targets = batch(classes=1)[0][:, 0], batch(classes=2)[1]
    logits = torch.stack([torch.zeros_like(z), z], 1)
    expected = sigmoid_focal_loss(z, targets.double(), alpha=0.25, gamma=gamma, reduction="none")
    alpha = torch.tensor([0.75, 0.25], dtype=torch.float64)
    torch.testing.assert_close(focal_loss(logits, targets, gamma, alpha, "none"), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_equals_kornias(gamma):
    logits, targets = batch()
    rows = kornia_focal(logits, targets, alpha=None, gamma=gamma, reduction="none").sum(1)
    torch.testing.assert_close(focal_loss(logits, targets, gamma, reduction="none"), rows, rtol=1e-9, atol=1e-15)
    mean = kornia_focal(logits, targets, alpha=None, gamma=gamma, reduction="mean") * 5  # its mean divides by n C
    torch.testing.assert_close(focal_loss(logits, targets, gamma), mean, rtol=1e-9, atol=0)


def test_delta_0_is_cross_entropy():
    logits, targets = batch()
    torch.testing.assert_close(focal_loss(logits, targets, 0.0), cross_entropy(logits, targets), rtol=1e-14, atol=0)


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0, 2.0])
@pytest.mark.parametrize("size", [20.0, 200.0, 65504.0, 1e30])
def test_saturated_logits_keep_loss_and_gradient_finite(gamma, size):
    logits = torch.tensor([[size, 0.0, 0.0], [0.0, size, 0.0], [-size, size, size]], requires_grad=True)
    loss = focal_loss(logits, torch.tensor([0, 0, 0]), gamma, reduction="none")
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(logits.grad).all()
    assert loss[0] < 1e-6
    assert loss[1].item() == pytest.approx(size)
    assert logits.grad[1, 0] < -0.99  # a confident mistake keeps its gradient


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_gradcheck(gamma):
    logits, targets = batch(6)
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, targets, gamma), logits.requires_grad_())


def test_half_precision_and_no_rows():
    logits, targets = batch()
    module = Focal(5, 2.0, [1.0, 2.0, 3.0, 4.0, 5.0])
    half = logits.bfloat16()
    assert torch.equal(module(half, targets), module(half.float(), targets))
    assert module(half, targets).dtype == torch.float32
    assert module(torch.zeros(0, 5), torch.zeros(0, dtype=torch.long)).item() == 0
