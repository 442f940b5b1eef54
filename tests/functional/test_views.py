"""Averaged views against a loop in float64 over NumPy's flips and quarter turns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imbalkit.functional.maps import ScaleMap
from imbalkit.functional.views import VIEWS, AveragedViews, averaged, log_mean_probabilities, viewed

LOGITS = torch.randn(4, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4


def numpy_views(pixels, views):
    """The views of pictures [n, H, W, C] by NumPy's own words."""
    if views == "flips":
        return [pixels, np.flip(pixels, 2), np.flip(pixels, 1), np.flip(pixels, (1, 2))]
    turned = [np.rot90(pixels, quarter, (1, 2)) for quarter in range(4)]
    return turned + [np.flip(each, 2) for each in turned]


def softmax(logits):
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def network(side=8, dtype=torch.float32):
    """One that sees where something is: no view looks to it as another."""
    torch.manual_seed(3)
    body = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * side * side, 4))
    with torch.no_grad():
        body[-1].weight *= 20
    return body.to(dtype).eval()


def pictures(n=5, side=8, height=None):
    return np.random.default_rng(1).random((n, height or side, side, 3))


def tensor(pixels):
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("views", ["flips", "dihedral"])
def test_the_views_are_those_of_numpy_each_once_and_the_picture_first(views):
    images = tensor(pictures())
    ours = [viewed(images, view) for view in VIEWS[views]]
    theirs = [tensor(each) for each in numpy_views(pictures(), views)]
    assert torch.equal(ours[0], images)
    assert len(ours) == len(theirs) == {"flips": 4, "dihedral": 8}[views]
    for each in theirs:
        assert sum(torch.equal(each, own) for own in ours) == 1


@pytest.mark.parametrize("views", ["flips", "dihedral"])
def test_other_axes_give_the_same_views(views):
    pixels = torch.from_numpy(pictures())
    for view in VIEWS[views]:
        assert torch.equal(viewed(pixels, view, (1, 2)).permute(0, 3, 1, 2), viewed(pixels.permute(0, 3, 1, 2), view))


@torch.no_grad()
@pytest.mark.parametrize("views", ["flips", "dihedral"])
def test_the_probabilities_are_the_mean_over_the_views(views):
    exact = network(dtype=torch.float64)
    probabilities = np.mean([softmax(exact(tensor(each)).numpy()) for each in numpy_views(pictures(), views)], axis=0)
    plain = softmax(exact(tensor(pictures())).numpy())
    assert np.abs(plain - probabilities).max() > 0.05
    logits = AveragedViews(exact, views)(tensor(pictures()))
    np.testing.assert_allclose(softmax(logits.numpy()), probabilities, atol=1e-12)
    single = AveragedViews(network(), views)(tensor(pictures()).float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(softmax(single.double().numpy()), probabilities, atol=1e-5)


@torch.no_grad()
def test_a_turned_picture_has_the_same_answer():
    model, turned = AveragedViews(network(dtype=torch.float64), "dihedral"), numpy_views(pictures(), "dihedral")
    first = model(tensor(turned[0]))
    for each in turned[1:]:
        torch.testing.assert_close(model(tensor(each)), first, atol=1e-12, rtol=0)
    flips = AveragedViews(model.network, "flips")
    assert not torch.allclose(flips(tensor(turned[1])), flips(tensor(turned[0])), atol=1e-3)


def test_views_that_are_alike_give_the_logits_back():
    """Also their constant, which the map of a loss that scales each class's logit sees."""
    one = LOGITS[:1].expand(4, -1, -1)
    torch.testing.assert_close(log_mean_probabilities(one), LOGITS[0], atol=1e-12, rtol=0)
    scale = ScaleMap([0.5, 1.0, 2.0])
    torch.testing.assert_close(scale(log_mean_probabilities(one)), scale(LOGITS[0]), atol=1e-12, rtol=0)
    torch.testing.assert_close(log_mean_probabilities(LOGITS[:1]), LOGITS[0], atol=1e-12, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_no_probability_is_lost_however_sure_the_views_are(dtype):
    """Softmax itself would be 0 from a margin of 17 (float16) or 104 (float32) on, and its logarithm infinite."""
    logits = torch.tensor([[[600.0, 0.0]], [[300.0, 0.0]]], dtype=dtype)
    found = log_mean_probabilities(logits)
    assert found.dtype == torch.float32
    exact = 300 + np.log(2.0)  # all of the second class's probability is of the less sure view, and halved
    assert float(found[0, 0] - found[0, 1]) == pytest.approx(exact, abs=0.01)


def test_half_precision_is_averaged_in_single():
    """A bfloat16 has 8 bits: the mean of views taken in it would be off by more than the rounding of its logits."""
    low = LOGITS.bfloat16()
    expected = log_mean_probabilities(low.double()).float()
    torch.testing.assert_close(log_mean_probabilities(low), expected, atol=1e-5, rtol=0)


def test_the_network_sees_no_larger_batch_and_what_else_it_is_called_with():
    seen = []

    class Both(nn.Module):
        def forward(self, images, columns):
            seen.append((tuple(images.shape), columns))
            return images.mean((2, 3)) + columns

    columns = torch.zeros(5, 1)
    AveragedViews(Both(), "flips")(torch.rand(5, 3, 4, 6), columns)
    assert seen == [((5, 3, 4, 6), columns)] * 4


def test_none_is_the_network_itself():
    model = network()
    assert averaged(model, "none") is model
