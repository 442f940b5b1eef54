"""A small convolutional network for tiny images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from imbalkit.kinds import Backbone, BuildContext, Preprocessing, param

if TYPE_CHECKING:
    from torch import nn


class SmallCNN(Backbone):
    """Three 3x3 convolutions with normalisation and ReLU, the last two at half resolution, then a global mean."""

    name = "small_cnn"

    width: int = param(32, help="channels of the first layer; the next have two and four times as many", ge=4, le=512)
    norm: Literal["batch", "group"] = param("batch", help="normalisation; group does not depend on the batch")

    def preprocessing(self) -> Preprocessing:
        return Preprocessing((0.5,), (0.5,), (32, 32))

    def build(self, context: BuildContext) -> nn.Module:
        from torch import nn

        def block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
            norm = nn.BatchNorm2d(outputs) if self.norm == "batch" else nn.GroupNorm(4, outputs)
            return [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), norm, nn.ReLU(inplace=True)]

        width = self.width - self.width % 4  # group normalisation has four groups
        layers = [*block(context.channels, width, 1), *block(width, 2 * width, 2), *block(2 * width, 4 * width, 2)]
        body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        body.num_features = 4 * width  # type: ignore[assignment]  # a module takes any attribute
        return body
