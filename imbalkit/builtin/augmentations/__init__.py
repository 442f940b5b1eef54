"""Random online augmentations."""

from __future__ import annotations

from imbalkit.builtin.augmentations.dermoscopy import Dermoscopy
from imbalkit.builtin.augmentations.kornia import Kornia
from imbalkit.builtin.augmentations.policies import RandAugment, TrivialAugment
from imbalkit.builtin.augmentations.radial_blur import RandomRadialBlurPart
from imbalkit.kinds import Augmentation

AUGMENTATIONS: list[type[Augmentation]] = [Dermoscopy, Kornia, RandAugment, RandomRadialBlurPart, TrivialAugment]
