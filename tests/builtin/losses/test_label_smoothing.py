"""Label smoothing of each class: the smoothed target in float64, torch's for one number, and MiSLAS's label-aware form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalkit.builtin.losses import CE, InverseCE, LabelAwareSmoothing, WeightedCE
from imbalkit.functional.ce import CrossEntropy, WeightedCrossEntropy
from imbalkit.functional.prior import smoothing_by_rows
from imbalkit.kinds import BuildContext

CONTEXT = BuildContext(("a", "b", "c"), (500, 60, 5))
PER_CLASS = {"a": 0.4, "c": 0.1}


def batch(rows=40):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(0, 3, (rows, 3))), torch.tensor(rng.integers(0, 3, rows))


def smoothed_ce(logits, targets, shares):
    share = np.array(shares)[targets][:, None]
    target = np.eye(3)[targets] * (1 - share) + share / 3
    return -(target * torch.log_softmax(logits, 1).numpy()).sum(1)


def test_each_class_has_its_own_share():
    logits, targets = batch()
    expected = smoothed_ce(logits, targets, [0.4, 0.0, 0.1])
    np.testing.assert_allclose(CE(label_smoothing=PER_CLASS).build(CONTEXT)(logits, targets), expected, rtol=1e-6)
    weights = np.array([1.0, 4.0, 1.0])
    rows = WeightedCE(weights={"b": 4.0}, label_smoothing=PER_CLASS).build(CONTEXT)(logits, targets)
    np.testing.assert_allclose(rows, weights[targets] * expected, rtol=1e-6)
    mean = CrossEntropy([0.4, 0.0, 0.1])(logits, targets)
    assert mean.item() == pytest.approx(expected.mean(), rel=1e-6)


def test_one_share_for_all_is_the_uniform_form():
    logits, targets = batch()
    torch.testing.assert_close(CrossEntropy([0.1] * 3)(logits, targets), CrossEntropy(0.1)(logits, targets))
    weights = [1.0, 2.0, 0.5]
    torch.testing.assert_close(
        WeightedCrossEntropy(weights, [0.1] * 3)(logits, targets), WeightedCrossEntropy(weights, 0.1)(logits, targets)
    )


def test_no_rows_and_half_precision():
    logits, targets = batch()
    module = CrossEntropy([0.4, 0.0, 0.1])
    assert module(logits[:0], targets[:0]) == 0
    assert torch.equal(module(logits.half(), targets), module(logits.half().float(), targets))


def test_the_prior_is_restored():
    shift = InverseCE(label_smoothing=PER_CLASS).prior_shift(CONTEXT)
    assert (shift.exact, shift.map) == (True, {"name": "label_smoothing", "smoothing": [0.4, 0.0, 0.1]})
    assert not CE(label_smoothing={"a": 1.0}).prior_shift(CONTEXT).exact


@pytest.mark.parametrize("shape", ["concave", "linear", "convex"])
def test_label_aware_smoothing_is_the_published_code(shape):
    counts, head, tail = np.array([500, 60, 5]), 0.4, 0.1
    largest, least = counts.max(), counts.min()
    # LabelAwareSmoothing of dvlab-research/MiSLAS
    if shape == "concave":
        expected = tail + (head - tail) * np.sin((counts - least) * np.pi / (2 * (largest - least)))
    elif shape == "linear":
        expected = tail + (head - tail) * (counts - least) / (largest - least)
    else:
        expected = head + (head - tail) * np.sin(1.5 * np.pi + (counts - least) * np.pi / (2 * (largest - least)))
    np.testing.assert_allclose(smoothing_by_rows(counts, head, tail, shape), expected, rtol=1e-12)
    logits, targets = batch()
    rows = LabelAwareSmoothing(shape=shape).build(CONTEXT)(logits, targets)
    np.testing.assert_allclose(rows, smoothed_ce(logits, targets, expected), rtol=1e-6)


@pytest.mark.parametrize("counts", [(7, 7, 7), (0, 0, 0), (1, 1, 1)])
def test_equal_counts_are_no_division_by_zero(counts):
    assert smoothing_by_rows(counts, 0.4, 0.1) == pytest.approx([0.4] * 3)


def test_a_class_without_rows_has_the_tails():
    assert smoothing_by_rows((100, 50, 0), 0.4, 0.1)[2] == pytest.approx(0.1)
