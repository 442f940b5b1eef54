"""Random online augmentations."""

from __future__ import annotations

from imbalkit.builtin.augmentations.kornia import Kornia
from imbalkit.builtin.augmentations.radial_blur import RandomRadialBlurPart
from imbalkit.kinds import Augmentation

AUGMENTATIONS: list[type[Augmentation]] = [Kornia, RandomRadialBlurPart]
