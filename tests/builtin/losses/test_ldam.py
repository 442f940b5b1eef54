"""ldam against the published code in float64, on a normalised head and without one; margins of odd counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from imbalkit.builtin.losses import CE, LDAM
from imbalkit.errors import ImbalkitError
from imbalkit.functional import ldam
from imbalkit.functional.prior import balancing_weights
from imbalkit.kinds import BuildContext

COUNTS = (5000, 300, 7)
CONTEXT = BuildContext(("a", "b", "c"), COUNTS, logit_scale=30.0)


def cosines(rows=40):
    rng = np.random.default_rng(0)
    features, weights = torch.tensor(rng.normal(size=(rows, 8))), torch.tensor(rng.normal(size=(3, 8)))
    return F.normalize(features) @ F.normalize(weights).T, torch.tensor(rng.integers(0, 3, rows))


def test_it_is_the_published_code():
    x, target = cosines()
    # LDAMLoss of kaidic/LDAM-DRW, with max_m 0.5 and s 30
    m_list = 1.0 / np.sqrt(np.sqrt(COUNTS))
    m_list = torch.tensor(m_list * (0.5 / np.max(m_list)))
    output = torch.where(F.one_hot(target, 3).bool(), x - m_list[target][:, None], x)
    expected = F.cross_entropy(30 * output, target, reduction="none")
    torch.testing.assert_close(LDAM().build(CONTEXT)(30 * x, target), expected, rtol=1e-5, atol=1e-6)
    weights = torch.tensor(balancing_weights(COUNTS, 0.9999))
    deferred = LDAM(beta=0.9999).build(CONTEXT)(30 * x, target)
    torch.testing.assert_close(deferred, expected * weights[target], rtol=1e-5, atol=1e-6)


def test_margins_are_relative_to_the_rarest_class():
    assert ldam.class_margins([1600, 100, 100]) == pytest.approx([0.25, 0.5, 0.5])
    assert ldam.class_margins([160000, 10000, 10000]) == pytest.approx([0.25, 0.5, 0.5])
    assert ldam.class_margins([16, 1, 1], 0.2) == pytest.approx([0.1, 0.2, 0.2])
    assert ldam.class_margins([9, 9]) == [0.5, 0.5]
    assert ldam.class_margins([1600, 0, 100]) == pytest.approx([0.25, 0.5, 0.5])  # an absent class moves no margin
    assert ldam.class_margins([0, 0]) == [0.5, 0.5]


def test_a_class_is_as_likely_by_its_margin_less():
    x, target = cosines()
    near = ldam.LDAM([1e-9] * 3, 30.0, reduction="none")(30 * x, target)
    torch.testing.assert_close(near, CE().build(CONTEXT)(30 * x, target), rtol=1e-5, atol=1e-5)
    assert (LDAM().build(CONTEXT)(30 * x, target) > near).all()


def test_huge_logits_of_a_head_that_is_not_normalised_stay_finite():
    logits = torch.tensor([[6e4, 0.0, -6e4], [0.0, 6e4, 0.0]], requires_grad=True)
    loss = LDAM().build(CONTEXT)(logits, torch.tensor([0, 0]))
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dtype):
    x, target = cosines()
    module, half = LDAM().build(CONTEXT), (30 * x).to(dtype)
    assert torch.equal(module(half, target), module(half.float(), target))


def test_the_prior_is_not_restored_by_a_formula():
    shift = LDAM().prior_shift(CONTEXT)
    assert (shift.factors, shift.exact, shift.map) == (None, False, None)


def test_wrong_numbers_are_refused():
    with pytest.raises(ImbalkitError, match="margins: expected a list of numbers"):
        ldam.LDAM([0.5, float("nan")])
    with pytest.raises(ImbalkitError, match="weights: expected 2 numbers"):
        ldam.LDAM([0.5, 0.2], weights=[1.0])
