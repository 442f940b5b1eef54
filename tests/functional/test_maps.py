"""Maps from where a loss is least to the true probabilities, against their formulas in NumPy; saturated logits; float32."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalkit.functional.maps import FocalMap, Poly1Map, ScaleMap, SmoothingMap, log_probabilities
from imbalkit.functional.metrics import softmax

MAPS = [
    *(FocalMap(gamma) for gamma in (0.0, 0.5, 1.0, 2.0, 5.0)),
    *(Poly1Map(epsilon) for epsilon in (-1.0, -0.5, 1.0, 6.0)),
    SmoothingMap([0.1, 0.1, 0.1]),
    SmoothingMap([0.0, 0.4, 0.05]),
    ScaleMap([1.0, 0.8, 0.3]),
]


def logits(rows=200, scale=4.0):
    return np.random.default_rng(0).normal(0, scale, (rows, 3))


def mapped(module, values):
    return module(torch.as_tensor(np.asarray(values, dtype=np.float64))).numpy()


def test_ln_p_and_ln_1_less_p():
    values = logits()
    p = softmax(values)
    log_p, log_rest = (each.numpy() for each in log_probabilities(torch.from_numpy(values)))
    np.testing.assert_allclose(log_p, np.log(p), rtol=1e-12, atol=1e-12)
    for label in range(3):
        np.testing.assert_allclose(log_rest[:, label], np.log(np.delete(p, label, 1).sum(1)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_1_less_p_where_p_rounds_to_1_and_where_classes_tie(dtype):
    rows = torch.tensor([[50.0, 0, 0], [0, 0, 0], [7, 7, -500], [3e4, 0, -3e4]], dtype=dtype)
    log_p, log_rest = log_probabilities(rows)
    assert log_rest[0].tolist() == pytest.approx([np.log(2) - 50, 0, 0], abs=1e-5)
    assert log_p[0, 0].item() == pytest.approx(-2 * np.exp(-50), rel=1e-5)
    assert log_rest[1].tolist() == pytest.approx([np.log(2 / 3)] * 3)
    assert log_rest[2].tolist() == pytest.approx([-np.log(2), -np.log(2), 0])
    assert log_rest[3].tolist() == pytest.approx([np.log(1e-35), 0, 0])


def test_focal_is_the_published_formula():
    p, gamma = softmax(logits(scale=2)), 2.0
    weights = p / ((1 - p) ** gamma - gamma * (1 - p) ** (gamma - 1) * p * np.log(p))
    expected = weights / weights.sum(1, keepdims=True)
    np.testing.assert_allclose(softmax(mapped(FocalMap(gamma), logits(scale=2))), expected, rtol=1e-10)


def test_focal_and_poly1_keep_the_order_of_classes():
    for module in MAPS[:9]:
        np.testing.assert_array_equal(mapped(module, logits()).argsort(1), logits().argsort(1))


@pytest.mark.parametrize("smoothing", [[0.1, 0.1, 0.1], [0.0, 0.4, 0.05]])
def test_smoothing_is_undone(smoothing):
    truth, shares = softmax(logits(scale=1)), np.array(smoothing)
    smoothed = truth * (1 - shares) + (truth * shares).sum(1, keepdims=True) / 3
    found = softmax(mapped(SmoothingMap(smoothing), np.log(smoothed)))
    np.testing.assert_allclose(found, truth, atol=1e-12)


def test_below_the_least_that_smoothing_leaves_a_class_its_order_stays_and_nothing_is_impossible():
    module = SmoothingMap([0.3, 0.3, 0.3])
    rows = np.stack([np.linspace(0, 60, 400), np.zeros(400), np.full(400, -1.0)], axis=1)
    found = softmax(mapped(module, rows))
    assert (np.diff(found[:, 1]) < 0).all()
    assert (found > 0).all()


@pytest.mark.parametrize("module", MAPS, ids=lambda module: type(module).__name__)
def test_float32_is_as_float64_and_nothing_overflows(module):
    far = np.array([[1e4, 0, -1e4], [0, 0, 0], [300.0, 300.0, -5], [-1e4, -1e4, -1e4]])
    for values in (logits(), logits(scale=30), far):
        exact = mapped(module.double(), values)
        assert np.isfinite(exact).all()
        single = module.float()(torch.as_tensor(values, dtype=torch.float32)).double().numpy()
        assert np.isfinite(single).all()
        np.testing.assert_allclose(softmax(single), softmax(exact), atol=3e-6)
    module.double()
