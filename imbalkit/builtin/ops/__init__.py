"""Operations that views are made of."""

from __future__ import annotations

from imbalkit.builtin.ops.gaussian_blur import GaussianBlur
from imbalkit.builtin.ops.horizontal_flip import HorizontalFlip
from imbalkit.builtin.ops.radial_blur import RadialBlur
from imbalkit.builtin.ops.rotate90 import Rotate90
from imbalkit.builtin.ops.vertical_flip import VerticalFlip
from imbalkit.kinds import Op

OPS: list[type[Op]] = [GaussianBlur, HorizontalFlip, RadialBlur, Rotate90, VerticalFlip]
