"""The scores against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalkit.builtin.scores import SCORES, LossScore, MarginScore
from imbalkit.kinds import BuildContext

CONTEXT = BuildContext(classes=("a", "b", "c"), counts=(5, 5, 5))


def batch(rows=40):
    rng = np.random.default_rng(0)
    return rng.normal(0, 3, (rows, 3)), rng.integers(0, 3, rows)


def test_names():
    assert [score.name for score in SCORES] == ["loss", "margin"]


def test_loss_is_cross_entropy_of_each_row():
    x, y = batch()
    expected = np.log(np.exp(x).sum(1)) - x[np.arange(40), y]
    scores = LossScore().build(CONTEXT)(torch.tensor(x), torch.tensor(y))
    np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-10)


def test_margin_is_best_other_logit_minus_own():
    x, y = batch()
    expected = [max(np.delete(row, own)) - row[own] for row, own in zip(x, y, strict=True)]
    scores = MarginScore().build(CONTEXT)(torch.tensor(x), torch.tensor(y)).numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    np.testing.assert_array_equal(scores > 0, x.argmax(1) != y)


@pytest.mark.parametrize("part", SCORES)
def test_half_precision_and_shapes(part):
    x, y = batch()
    score, half, targets = part().build(CONTEXT), torch.tensor(x).bfloat16(), torch.tensor(y)
    assert score(half, targets).dtype == torch.float32
    assert torch.equal(score(half, targets), score(half.float(), targets))
    assert score(half[:0], targets[:0]).shape == (0,)


@pytest.mark.parametrize("part", SCORES)
def test_huge_logits_stay_in_order(part):
    logits = torch.tensor([[1e30, 0.0, 0.0], [0.0, 1e30, 0.0], [0.0, 2e30, 0.0]])
    scores = part().build(CONTEXT)(logits, torch.zeros(3, dtype=torch.long))
    assert torch.isfinite(scores).all()
    assert scores[0] < scores[1] < scores[2]
