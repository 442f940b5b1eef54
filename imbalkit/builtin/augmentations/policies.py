"""RandAugment and TrivialAugment, drawn for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import Augmentation, BuildContext, param

if TYPE_CHECKING:
    from torch import nn


class TrivialAugment(Augmentation):
    """One of 14 operations at one of 31 strengths, drawn for each image (Mueller and Hutter 2021): nothing to tune."""

    name = "trivial_augment"

    def build(self, context: BuildContext) -> nn.Module:
        from imbalkit.functional.drawn import FromUniforms
        from imbalkit.functional.policies import DRAWS, trivial_augment

        return FromUniforms(trivial_augment, 1, DRAWS)


class RandAugment(Augmentation):
    """Some of 14 operations one after the other, drawn for each image, all of one strength (Cubuk et al. 2020)."""

    name = "rand_augment"

    num_ops: int = param(2, help="operations an image", ge=1, le=14)
    magnitude: int = param(9, help="strength, from 0 (nothing is changed) to 30", ge=0, le=30)

    def build(self, context: BuildContext) -> nn.Module:
        from functools import partial

        from imbalkit.functional.drawn import FromUniforms
        from imbalkit.functional.policies import DRAWS, rand_augment

        return FromUniforms(partial(rand_augment, magnitude=self.magnitude), self.num_ops, DRAWS)
