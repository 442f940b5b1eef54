"""Grad-CAM against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from imbalkit.functional.gradcam import LEAST, grad_cam, mean_of_maps


class Pooled(nn.Module):
    """Maps, their means, a dense layer: for such a network Grad-CAM is the class activation map (Selvaraju et al., 3.1)."""

    def __init__(self, classes=3, maps=5):
        super().__init__()
        self.first = nn.Conv2d(3, maps, 3, padding=1)
        self.maps = nn.Conv2d(maps, maps, 3, padding=1)
        self.head = nn.Linear(maps, classes)

    def forward(self, images):
        return self.head(self.maps(torch.relu(self.first(images))).mean(dim=(2, 3)))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Pooled()


@pytest.fixture
def images():
    return torch.rand(4, 3, 9, 7, generator=torch.Generator().manual_seed(1))


def test_of_a_pooled_network_it_is_the_class_activation_map(network, images):
    targets = torch.tensor([0, 1, 2, 1])
    found = grad_cam(network, images, targets)
    # By hand, in float64: the log odds of a class move with its logit by 1 and with another's by minus its share of the rest.
    double = Pooled().double()
    double.load_state_dict({name: tensor.double() for name, tensor in network.state_dict().items()})
    maps = double.maps(torch.relu(double.first(images.double())))
    logits = double.head(maps.mean(dim=(2, 3)))
    for row, target in enumerate(targets.tolist()):
        others = [label for label in range(3) if label != target]
        shares = torch.softmax(logits[row, others], dim=0)
        weights = double.head.weight[target] - (shares[:, None] * double.head.weight[others]).sum(dim=0)
        cam = (weights[:, None, None] * maps[row]).sum(dim=0).clamp_min(0) / (9 * 7)
        torch.testing.assert_close(found[row].double(), cam, rtol=1e-4, atol=1e-7)
    assert (found > 0).any()
    assert (found == 0).any()


def test_with_two_classes_what_speaks_against_one_speaks_for_the_other(images):
    torch.manual_seed(0)
    network = Pooled(classes=2)
    first, second = (grad_cam(network, images, torch.full((4,), label)) for label in (0, 1))
    assert not ((first > 0) & (second > 0)).any()
    assert ((first > 0) | (second > 0)).all()


def test_the_network_is_left_as_it_is(network, images):
    network.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():  # as after a prediction
        grad_cam(network, images, torch.zeros(4, dtype=torch.int64))
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not network.training
    assert not any(module._forward_hooks for module in network.modules())


def test_frozen_weights_do_not_matter(network, images):
    targets = torch.tensor([0, 1, 2, 1])
    expected = grad_cam(network, images, targets)
    network.requires_grad_(False)
    torch.testing.assert_close(grad_cam(network, images, targets), expected)


def test_maps_too_small_to_show_a_place_are_passed_over(network):
    deep = nn.Sequential(
        network.first, nn.MaxPool2d(2), nn.Conv2d(5, 5, 3, stride=4, padding=1), nn.Flatten(), nn.LazyLinear(2)
    )
    image = torch.rand(1, 3, 2 * LEAST, 2 * LEAST)
    deep(image)
    targets = torch.zeros(1, dtype=torch.int64)
    assert grad_cam(deep, image, targets).shape == (1, LEAST, LEAST)  # the pooling, not the 1 x 1 or 2 x 2 after it
    small = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(16, 2))
    assert grad_cam(small, torch.rand(1, 3, 4, 4), targets).shape == (1, 2, 2)  # better than nothing


class Tokens(nn.Module):
    """A transformer's way: patches, then tokens."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.mix = nn.Linear(8, 8)
        self.head = nn.Linear(8, 2)

    def forward(self, images):
        return self.head(self.mix(self.patches(images).flatten(2).transpose(1, 2)).mean(dim=1))


def test_a_network_without_maps_at_its_end_has_none():
    targets = torch.zeros(1, dtype=torch.int64)
    assert grad_cam(Tokens(), torch.rand(1, 3, 32, 32), targets) is None
    assert grad_cam(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), torch.rand(1, 3, 4, 4), targets) is None


def test_the_mean_of_maps_is_of_scaled_ones_at_the_finest_size():
    coarse = torch.tensor([[[0.0, 4.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]])
    fine = torch.rand(2, 8, 8)
    found = mean_of_maps([coarse, fine])
    expected = []
    for row in range(2):
        image = Image.fromarray(coarse[row].numpy()).resize((8, 8), Image.Resampling.BILINEAR)
        expected.append((np.asarray(image) / 4 + (fine[row] / fine[row].max()).numpy()) / 2)
    np.testing.assert_allclose(found.numpy(), np.stack(expected), atol=1e-6)
