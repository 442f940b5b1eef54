"""poly1 against the published code's form in float64, and its polynomial; where p rounds to 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalkit.builtin.losses import Poly1 as Part
from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import cross_entropy
from imbalkit.functional.poly1 import Poly1, poly1_loss
from imbalkit.kinds import BuildContext


def batch(rows=40, classes=5):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(0, 3, (rows, classes))), torch.tensor(rng.integers(0, classes, rows))


@pytest.mark.parametrize("epsilon", [-1.0, 0.5, 2.0])
def test_equals_the_published_code(epsilon):
    # Leng et al. 2022, appendix: poly1_cross_entropy(logits, labels, epsilon)
    logits, targets = batch()
    labels = torch.nn.functional.one_hot(targets, 5).double()
    pt = (labels * logits.softmax(-1)).sum(-1)
    expected = -(labels * logits.log_softmax(-1)).sum(-1) + epsilon * (1 - pt)
    torch.testing.assert_close(poly1_loss(logits, targets, epsilon, "none"), expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(poly1_loss(logits, targets, epsilon), expected.mean(), rtol=1e-12, atol=0)


def test_epsilon_moves_the_first_coefficient_of_the_polynomial():
    p = np.array([0.3, 0.6, 0.9])
    powers = np.arange(1, 400)
    coefficients = 1 / powers
    coefficients[0] += 1.5
    expected = ((1 - p)[:, None] ** powers * coefficients).sum(axis=1)
    logits = torch.tensor(np.log(np.stack([p, 1 - p], axis=1)))
    rows = poly1_loss(logits, torch.zeros(3, dtype=torch.int64), 1.5, "none")
    np.testing.assert_allclose(rows.numpy(), expected, rtol=1e-9)


def test_epsilon_0_is_cross_entropy():
    logits, targets = batch()
    torch.testing.assert_close(poly1_loss(logits, targets, 0.0), cross_entropy(logits, targets), rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_saturated_logits_keep_loss_and_gradient_finite(dtype):
    logits = torch.tensor([[6e4, 0.0], [0.0, 6e4], [0.0, 0.0]], dtype=dtype, requires_grad=True)
    loss = poly1_loss(logits, torch.zeros(3, dtype=torch.int64), 1.0, "none")
    loss.sum().backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite().all()
    assert logits.grad.isfinite().all()
    assert loss[0] == 0


def test_an_epsilon_below_minus_1_is_refused():
    with pytest.raises(ImbalkitError, match="epsilon: expected a number of at least -1, got -2"):
        Poly1(2, epsilon=-2)


def test_what_it_does_to_the_prior():
    context = BuildContext(("a", "b"), (30, 10))
    assert Part(epsilon=0.0).prior_shift(context).exact
    shift = Part(epsilon=1.0).prior_shift(context)
    assert (shift.exact, shift.factors, shift.map) == (True, (1.0, 1.0), {"name": "poly1", "epsilon": 1.0})
