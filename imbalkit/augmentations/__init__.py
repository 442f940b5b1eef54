"""Random online augmentations."""

from __future__ import annotations

from imbalkit.augmentations.kornia import Kornia
from imbalkit.augmentations.radial_blur import RandomRadialBlurPart

AUGMENTATIONS = [Kornia, RandomRadialBlurPart]
