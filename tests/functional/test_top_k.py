"""The mean of the largest losses against sorted ones in NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from imbalkit.functional.top_k import TopK, top_k_loss


def batch(rows=40):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(0, 3, (rows, 4))), torch.tensor(rng.integers(0, 4, rows))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("rows", [1, 2, 10, 37])
def test_equals_sorted_losses(share, rows):
    logits, targets = batch(rows)
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    expected = np.sort(losses.numpy())[-math.ceil(round(share * rows, 6)) :].mean()
    assert float(TopK(4, share)(logits, targets)) == pytest.approx(expected, rel=1e-12)


def test_is_the_conditional_value_at_risk():
    # Rockafellar and Uryasev 2000: least over t of t + E max(0, loss - t) / share
    losses = torch.tensor(np.random.default_rng(0).exponential(size=40))
    risks = [t + np.maximum(0, losses.numpy() - t).mean() / 0.25 for t in np.sort(losses.numpy())]
    assert float(top_k_loss(losses, 0.25)) == pytest.approx(min(risks), rel=1e-12)


def test_rows_below_have_no_gradient():
    logits, targets = batch(10)
    assert torch.autograd.gradcheck(lambda z: TopK(4, 0.3)(z, targets), logits.clone().requires_grad_())
    logits.requires_grad_()
    TopK(4, 0.3)(logits, targets).backward()
    assert int((logits.grad.abs().sum(1) > 0).sum()) == 3


def test_no_rows_and_half_precision():
    logits = torch.zeros(0, 4, requires_grad=True)
    assert TopK(4, 0.5)(logits, torch.zeros(0, dtype=torch.int64)) == 0
    logits = torch.full((3, 4), 6e4, dtype=torch.float16)
    assert TopK(4, 0.5)(logits, torch.tensor([0, 1, 2])).dtype == torch.float32


def test_it_reads_no_value_on_the_host():
    with FakeTensorMode():
        logits = torch.empty(6, 4, device="meta")
        assert TopK(4, 0.5)(logits, torch.empty(6, dtype=torch.int64, device="meta")).shape == ()
