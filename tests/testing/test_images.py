"""The rules of ops, augmentations and backbones catch what they say, one broken part each."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imbalkit.kinds import Preprocessing
from tests.testing.parts import Brighter, Mean, Mirror, broken, check


def _scaled(self, images, parameters):
    return images.mul_(0.5)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Brighter, r"`decide` must return \(6, 1\), got \(6,\)", decide=lambda self, u: u[:, 0]),
        broken(
            Brighter,
            "`decide` gives other parameters when called again",
            decide=lambda self, u: np.random.random(u.shape),
        ),
        broken(Brighter, "the parameters of a row depend on the rows beside it", decide=lambda self, u: u - u.mean()),
        broken(Brighter, "set square_only = True", apply=lambda self, images, parameters: images.transpose(2, 3)),
        broken(Brighter, "must refuse other images", square_only=True),
        broken(Brighter, "pixels leave 0..1", apply=lambda self, images, parameters: images + 0.5),
        broken(
            Brighter, "expected torch.float64, got torch.float32", apply=lambda self, images, parameters: images.float()
        ),
        broken(Brighter, "changed the images", apply=_scaled),
        broken(Brighter, "other pixels .random", apply=lambda self, images, parameters: torch.rand_like(images)),
        broken(
            Brighter,
            "the pixels of a row depend",
            apply=lambda self, images, parameters: (images - images.mean(0, True)).clamp(0, 1),
        ),
        broken(Mirror, "expected shape", build=lambda self, context: torch.nn.AvgPool2d(2)),
        broken(Mirror, "must return a torch.nn.Module", build=lambda self, context: torch.flip),
        broken(Mirror, r"pixels leave 0..1 \(", build=lambda self, context: _Bright()),
        broken(Mirror, r"not the parameters weight, bias", build=lambda self, context: torch.nn.Conv2d(3, 3, 1)),
        broken(
            Mean,
            "expected every number of `std` above 0",
            preprocessing=lambda self: Preprocessing((0.5,), (0.0,), (8, 8)),
        ),
        broken(
            Mean,
            "as many numbers in `mean` as",
            preprocessing=lambda self: Preprocessing((0.5,) * 3, (0.5,) * 2, (8, 8)),
        ),
        broken(Mean, "expected `size` to be", preprocessing=lambda self: Preprocessing((0.5,), (0.5,), (0, 8))),
        broken(Mean, "needs an int `num_features`, got None", build=lambda self, context: torch.nn.Flatten()),
        broken(
            Mean, r"expected features \[4, 7\]", build=lambda self, context: _with_features(Mean().build(context), 7)
        ),
        broken(
            Mean,
            "in eval mode two passes differ",
            build=lambda self, context: _with_features(
                torch.nn.Sequential(Mean().build(context), _Noise()),
                5,
            ),
        ),
    ],
)
def test_images(part, message):
    check(part, message)


class _Bright(torch.nn.Module):
    def forward(self, images):
        return images + 0.1


class _Noise(torch.nn.Module):
    def forward(self, features):
        return features + torch.rand_like(features)


def _with_features(module, features):
    module.num_features = features
    return module
