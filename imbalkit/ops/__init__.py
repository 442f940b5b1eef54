"""Operations that views are made of."""

from __future__ import annotations

from imbalkit.ops.gaussian_blur import GaussianBlur
from imbalkit.ops.horizontal_flip import HorizontalFlip
from imbalkit.ops.radial_blur import RadialBlur
from imbalkit.ops.turn import Turn
from imbalkit.ops.vertical_flip import VerticalFlip

OPS = [GaussianBlur, HorizontalFlip, RadialBlur, Turn, VerticalFlip]
