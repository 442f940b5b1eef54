"""ce, weighted_ce and inverse_ce against float64 formulas and torch's own cross entropy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import CrossEntropy, WeightedCrossEntropy, cross_entropy
from imbalkit.functional.prior import inverse_frequency


def reference(logits, targets, weights, smoothing=0.0):
    """w_y times cross entropy with the smoothed target, float64 [n]."""
    shifted = logits - logits.max(1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    wanted = np.full_like(log_p, smoothing / log_p.shape[1])
    wanted[np.arange(len(targets)), targets] += 1 - smoothing
    return -weights[targets] * (wanted * log_p).sum(1)


def batch(rows=50, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3, (rows, classes)), rng.integers(0, classes, rows)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [0.5, 1.0, 0.0, 7.0]])
def test_equals_the_float64_formula(smoothing, weights):
    logits, targets = batch()
    expected = reference(logits, targets, np.ones(4) if weights is None else np.array(weights), smoothing)
    tensor = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    rows = cross_entropy(torch.tensor(logits), torch.tensor(targets), tensor, smoothing, "none")
    mean = cross_entropy(torch.tensor(logits), torch.tensor(targets), tensor, smoothing, "mean")
    np.testing.assert_allclose(rows.numpy(), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mean.item(), expected.mean(), rtol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_plain_ce_is_torchs(smoothing):
    logits, targets = (torch.tensor(array) for array in batch())
    logits = logits.float()
    expected = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    assert torch.equal(CrossEntropy(smoothing)(logits, targets), expected)


def test_weighted_mean_is_over_rows_and_not_over_weights():
    logits, targets = torch.zeros(4, 2), torch.zeros(4, dtype=torch.long)
    loss = WeightedCrossEntropy([5.0, 1.0])(logits, targets)
    assert loss.item() == pytest.approx(5 * np.log(2))
    assert F.cross_entropy(logits, targets, weight=torch.tensor([5.0, 1.0])).item() == pytest.approx(np.log(2))


def test_inverse_frequency():
    assert inverse_frequency((90, 10)) == [100 / 180, 100 / 20]
    assert inverse_frequency((30, 0, 10)) == [40 / 90, 0.0, 40 / 30]
    assert inverse_frequency((0, 0)) == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("module", [CrossEntropy(0.1), WeightedCrossEntropy([1.0, 2.0, 3.0, 4.0], 0.1)])
def test_half_precision_logits_are_reckoned_in_float32(module, dtype):
    logits, targets = (torch.tensor(array) for array in batch())
    half = logits.to(dtype).requires_grad_()
    loss = module(half, targets)
    loss.backward()
    assert loss.dtype == torch.float32
    assert half.grad.dtype == dtype
    assert torch.equal(loss, module(half.detach().float(), targets))


@pytest.mark.parametrize("module", [CrossEntropy(), WeightedCrossEntropy([1.0, 2.0])])
def test_no_rows_give_zero(module):
    logits = torch.zeros(0, 2, requires_grad=True)
    loss = module(logits, torch.zeros(0, dtype=torch.long))
    loss.backward()
    assert loss.item() == 0


def test_gradcheck():
    logits, targets = (torch.tensor(array) for array in batch(6))
    logits.requires_grad_()
    weights = torch.tensor([0.5, 1.0, 2.0, 7.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, targets, weights, 0.1), logits)
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, targets, weights), logits)


def test_weights_are_not_in_the_state_dict():
    assert not WeightedCrossEntropy([1.0, 2.0]).state_dict()


def test_wrong_shapes_and_reduction():
    module = WeightedCrossEntropy([1.0, 2.0])
    with pytest.raises(ImbalkitError, match=r"expected logits \[n, 2\] and targets \[n\], got \[4, 3\] and \[4\]"):
        module(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))
    with pytest.raises(ImbalkitError, match=r"got \[4, 2\] and \[1\]"):
        module(torch.zeros(4, 2), torch.zeros(1, dtype=torch.long))
    with pytest.raises(ImbalkitError, match="expected 'mean' or 'none', got 'sum'"):
        CrossEntropy(reduction="sum")
