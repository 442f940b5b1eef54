"""The residual networks for 32x32 images that work on long-tailed CIFAR is measured with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from imbalkit.kinds import Backbone, BuildContext, Preprocessing, param

if TYPE_CHECKING:
    from torch import nn

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


class ResNet32(Backbone):
    """ResNet-32 for images of 32x32 px (He et al., CVPR 2016, section 4.2): 0.46 million parameters, 64 features.

    Three groups of blocks with 16, 32 and 64 channels; shortcuts without parameters (option A). Initial weights and the
    normalisation of RGB are those of the code of LDAM (Cao et al., NeurIPS 2019), which most figures on CIFAR-LT are made with.
    """

    name = "resnet32"

    depth: Literal[20, 32, 44, 56] = param(
        32, help="layers with weights, the head counted: 6 n + 2 for n blocks a group"
    )
    mean: list[float] = param(list(CIFAR_MEAN), help="mean of the normalisation, of RGB in 0..1 (default: CIFAR-10's)")
    std: list[float] = param(
        list(CIFAR_STD), help="deviation of the normalisation (default: as the code of LDAM has it)"
    )

    @model_validator(mode="after")
    def _can_normalise(self) -> ResNet32:
        self.preprocessing()
        return self

    def preprocessing(self) -> Preprocessing:
        return Preprocessing(tuple(self.mean), tuple(self.std), (32, 32))

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.builtin.backbones.cifar_resnet import CifarResNet

        return CifarResNet((self.depth - 2) // 6, context.channels)
