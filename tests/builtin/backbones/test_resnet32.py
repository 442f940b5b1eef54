"""resnet32 against the formula written out, and its size against the published one."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from imbalkit.builtin.backbones import ResNet32
from imbalkit.builtin.heads import Linear
from imbalkit.kinds import BuildContext
from imbalkit.training.classifier import build_model

TEN = BuildContext(tuple("abcdefghij"), (10,) * 10, image_size=(32, 32), channels=3, seed=3)
# He et al. 2016, table 6, in millions; counted in their Caffe models and in the code of LDAM, the head with it.
PUBLISHED = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018}


@pytest.mark.parametrize("depth", PUBLISHED)
def test_number_of_parameters(depth):
    model = build_model(ResNet32(depth=depth), Linear(), TEN)
    assert sum(value.numel() for value in model.parameters()) == PUBLISHED[depth]
    weighted = [value for value in model.parameters() if value.ndim > 1]
    assert len(weighted) == depth  # the shortcuts have none


def reference(state: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Features in eval mode, from the formula: relu(BN(conv(relu(BN(conv x)))) + shortcut)."""

    def norm(x, name):
        w, b, m, v = (
            state[f"{name}.{key}"][:, None, None] for key in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - m) / (v + 1e-5).sqrt() * w + b

    x = norm(F.conv2d(images, state["conv1.weight"], padding=1), "bn1").clamp(min=0)
    for group in (1, 2, 3):
        for block in range(5):
            name, stride = f"layer{group}.{block}", 2 if group > 1 and block == 0 else 1
            y = norm(F.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1").clamp(min=0)
            y = norm(F.conv2d(y, state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
            if stride == 2:
                zeros = torch.zeros_like(x[:, : x.shape[1] // 2, ::2, ::2])
                x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], 1)
            x = (x + y).clamp(min=0)
    return x.mean((2, 3))


def test_forward_is_the_formula():
    body = ResNet32().build(TEN).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in body.state_dict().items():  # batch norm of a trained network is not the identity
            if "bn" in name and value.dtype == torch.float64:
                value.copy_(torch.rand(value.shape, generator=generator, dtype=torch.float64) + 0.5)
    images = torch.randn(3, 3, 32, 32, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        features = body.eval()(images)
    assert features.shape == (3, body.num_features) == (3, 64)
    torch.testing.assert_close(features, reference(body.state_dict(), images), rtol=1e-10, atol=1e-10)


def test_initial_weights_are_kaimings():
    torch.manual_seed(0)
    body = ResNet32().build(TEN)
    weight = body.layer3[1].conv1.weight
    assert float(weight.detach().std()) == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.03)
    assert float(weight.detach().mean()) == pytest.approx(0, abs=1e-3)


def test_other_sizes_and_channels():
    grey = BuildContext(("a", "b"), (1, 1), image_size=(28, 28), channels=1, seed=0)
    assert build_model(ResNet32(), Linear(), grey).eval()(torch.rand(2, 1, 28, 28)).shape == (2, 2)
    assert ResNet32().build(TEN).eval()(torch.rand(1, 3, 33, 47)).shape == (1, 64)


def test_depth_is_one_of_four():
    with pytest.raises(ValueError, match="Input should be 20, 32, 44 or 56"):
        ResNet32(depth=34)
