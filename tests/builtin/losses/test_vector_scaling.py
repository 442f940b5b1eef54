"""logit_adjusted and vs against their formulas in float64 and the published code; absent classes, half precision, epochs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from imbalkit.builtin.losses import CE, VS, LogitAdjusted
from imbalkit.errors import ImbalkitError
from imbalkit.functional.vector_scaling import VectorScaling
from imbalkit.kinds import BuildContext

COUNTS = (5000, 300, 7)
CONTEXT = BuildContext(("a", "b", "c"), COUNTS)


def batch(rows=40):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(0, 3, (rows, 3))), torch.tensor(rng.integers(0, 3, rows))


def test_balanced_softmax_is_the_published_formula():
    # Ren et al. 2020: p_j = n_j e^z_j / sum_i n_i e^z_i
    logits, targets = batch()
    odds = np.exp(logits.numpy()) * np.array(COUNTS)
    expected = -np.log(odds[np.arange(40), targets] / odds.sum(1))
    np.testing.assert_allclose(LogitAdjusted().build(CONTEXT)(logits, targets), expected, rtol=1e-6)


def test_tau_0_is_cross_entropy():
    logits, targets = batch()
    plain = CE().build(CONTEXT)(logits, targets)
    torch.testing.assert_close(LogitAdjusted(tau=0.0).build(CONTEXT)(logits, targets), plain)
    torch.testing.assert_close(VS(gamma=0.0, tau=0.0).build(CONTEXT)(logits, targets), plain)


@pytest.mark.parametrize("gamma, tau", [(0.3, 1.0), (0.2, 0.0), (0.15, 1.25)])
def test_vs_is_the_published_code(gamma, tau):
    logits, targets = batch()
    # VSLoss of orparask/VS-Loss: x / Delta_list + iota_list
    inverse = (1.0 / np.array(COUNTS)) ** gamma
    delta, iota = inverse / inverse.min(), tau * np.log(np.array(COUNTS) / sum(COUNTS))
    expected = F.cross_entropy(logits / torch.tensor(delta) + torch.tensor(iota), targets, reduction="none")
    rows = VS(gamma=gamma, tau=tau).build(CONTEXT)(logits, targets)
    torch.testing.assert_close(rows, expected, rtol=1e-6, atol=1e-6)


def test_vs_with_gamma_0_is_logit_adjusted():
    logits, targets = batch()
    shift, other = VS(gamma=0.0, tau=1.5).prior_shift(CONTEXT), LogitAdjusted(tau=1.5).prior_shift(CONTEXT)
    assert (shift.factors, shift.map, shift.exact) == (other.factors, None, True)
    adjusted = LogitAdjusted(tau=1.5).build(CONTEXT)(logits, targets)
    torch.testing.assert_close(VS(gamma=0.0, tau=1.5).build(CONTEXT)(logits, targets), adjusted)


def test_what_they_do_to_the_prior():
    assert LogitAdjusted().prior_shift(CONTEXT).factors == pytest.approx((1, 5000 / 300, 5000 / 7))
    assert LogitAdjusted(tau=2.0).prior_shift(CONTEXT).factors == pytest.approx((1, (50 / 3) ** 2, (5000 / 7) ** 2))
    cdt = VS(tau=0.0, gamma=0.5).prior_shift(CONTEXT)
    assert cdt.factors == (1, 1, 1)
    assert cdt.map["scale"] == pytest.approx([1, (300 / 5000) ** 0.5, (7 / 5000) ** 0.5])
    even = BuildContext(("a", "b"), (50, 50))
    assert (VS().prior_shift(even).map, VS().prior_shift(even).factors) == (None, (1, 1))


@pytest.mark.parametrize("loss", [LogitAdjusted(), VS()], ids=lambda loss: loss.name)
@pytest.mark.parametrize("counts", [(30, 0, 1), (1, 1, 1), (10**6, 1, 0)])
def test_classes_without_rows_and_of_one_row(loss, counts):
    """ln 0 would be minus infinity: it counts as one row."""
    context = BuildContext(("a", "b", "c"), counts)
    logits, targets = batch()
    rows = loss.build(context)(logits, targets)
    assert torch.isfinite(rows).all()
    assert np.isfinite(loss.prior_shift(context).factors).all()


@pytest.mark.parametrize("loss", [LogitAdjusted(), VS()], ids=lambda loss: loss.name)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_shift_is_added_in_float32(loss, dtype):
    logits, targets = batch()
    module, half = loss.build(CONTEXT), logits.to(dtype)
    assert torch.equal(module(half, targets), module(half.float(), targets))


def test_first_epochs_are_plain():
    logits, targets = batch()
    context = replace(CONTEXT, epochs=4)
    module, plain = VS(warm_up=0.5).build(context), CE().build(CONTEXT)(logits, targets)
    vs = VS().build(CONTEXT)(logits, targets)
    for epoch in range(4):
        module.epoch_started(epoch)
        torch.testing.assert_close(module(logits, targets), plain if epoch < 2 else vs)
    again = VS(warm_up=0.5).build(context)  # a resumed run says the epoch before its first batch
    again.epoch_started(3)
    torch.testing.assert_close(again(logits, targets), vs)


@pytest.mark.parametrize(
    "share, epochs, expected",
    [(0, 10, 0), (0.05, 10, 1), (0.05, 200, 10), (0.29, 100, 29), (0.99, 10, 9), (0.99, 1, 0)],
)
def test_a_warm_up_has_one_epoch_or_more_and_leaves_the_last(share, epochs, expected):
    assert VS(warm_up=share).build(replace(CONTEXT, epochs=epochs)).warm_up == expected
    assert VS(warm_up=share).first_epoch(epochs) == expected


def test_wrong_numbers_are_refused():
    for scale, shift in (([1.0, 0.0], [0.0, 0.0]), ([1.0, 1.0], [0.0, float("-inf")]), ([1.0, 1.0], [0.0])):
        with pytest.raises(ImbalkitError, match="expected a scale above 0 and a shift for each class"):
            VectorScaling(scale, shift)
