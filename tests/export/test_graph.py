"""The graph of a file: the run's own answers from what the file takes."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.export.graph import Deployed, hard_for_int8
from imbalkit.functional.maps import FocalMap, Poly1Map, ScaleMap, SmoothingMap
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import BuildContext
from imbalkit.training.classifier import build_model
from imbalkit_lite.card import Input
from imbalkit_lite.model import input_tensor

AFFINE = np.array([0.7, 1.9, 1.1]), np.array([0.3, -1.2, 0.4])


@pytest.fixture(scope="module")
def classifier():
    context = BuildContext(("a", "b", "c"), (3, 3, 3), image_size=(20, 14))
    return build_model(SmallCNN(width=8), Linear(), context).eval()


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 20, 14, 3), dtype=np.uint8)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("kind, limits", [("float32", (0, 1)), ("float32", (0, 255)), ("uint8", (0, 255))])
def test_probabilities_are_those_of_network_and_calibration(classifier, pixels, layout, kind, limits):
    source = Input(20, 14, 3, layout, kind, limits)
    inputs = input_tensor(pixels, source)
    assert inputs.dtype == kind
    assert inputs.shape == (5, *source.shape)
    assert (inputs.min() >= limits[0], inputs.max() <= limits[1]) == (True, True)
    with torch.no_grad():
        got = Deployed(classifier, AFFINE, source).eval()(torch.from_numpy(inputs)).numpy()
        logits = classifier(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255).double().numpy()
    np.testing.assert_allclose(got, softmax(AFFINE[0] * logits + AFFINE[1]), atol=1e-6)


@pytest.mark.parametrize(
    "module", [FocalMap(2.0), Poly1Map(-0.5), SmoothingMap([0.0, 0.3, 0.1]), ScaleMap([1, 0.5, 0.2])]
)
def test_the_map_of_a_loss_is_inside(classifier, pixels, module):
    source = Input(20, 14, 3, "NHWC", "float32", (0, 1))
    with torch.no_grad():
        logits = classifier(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255).double()
        mapped = module.double()(logits).numpy()
        network = Deployed(classifier, AFFINE, source, module).eval()
        got = network(torch.from_numpy(input_tensor(pixels, source))).numpy()
    np.testing.assert_allclose(got, softmax(AFFINE[0] * mapped + AFFINE[1]), atol=1e-6)


def test_each_channel_has_its_own_normalisation():
    """A network that only tells the mean of channels: normalisation with the wrong axis would mix them."""
    body = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    body.num_features = 3
    model = torch.nn.Module()
    model.mean, model.std = (torch.tensor(each).view(1, 3, 1, 1) for each in ([0.1, 0.5, 0.8], [0.2, 0.4, 1.0]))
    model.body, model.head, model.columns = body, torch.nn.Identity(), None
    image = np.full((1, 3, 3, 3), 255, dtype=np.uint8)
    for layout in ("NHWC", "NCHW"):
        source = Input(3, 3, 3, layout, "uint8", (0, 255))
        got = Deployed(model, (np.ones(3), np.zeros(3)), source)(torch.from_numpy(input_tensor(image, source)))
        np.testing.assert_allclose(got[0], softmax(np.array([[0.9 / 0.2, 0.5 / 0.4, 0.2 / 1.0]]))[0], rtol=1e-6)


def test_weights_are_not_left_with_channels_last_in_memory(classifier):
    before = classifier(torch.ones(1, 3, 20, 14))
    model = classifier.to(memory_format=torch.channels_last)
    kernel = next(value for value in model.body.parameters() if value.ndim == 4 and min(value.shape[1:]) > 1)
    assert not kernel.is_contiguous()
    network = Deployed(model, AFFINE, Input(height=20, width=14))
    assert all(value.is_contiguous() for value in network.parameters())
    torch.testing.assert_close(network.head(network.body((torch.ones(1, 3, 20, 14) - model.mean) / model.std)), before)


def test_layers_that_int8_harms_are_named():
    assert hard_for_int8(timm.create_model("efficientnet_b0")) == ["swish (SiLU)", "squeeze-excite"]
    assert hard_for_int8(timm.create_model("efficientnet_lite0")) == []
    assert hard_for_int8(timm.create_model("resnet18")) == []
