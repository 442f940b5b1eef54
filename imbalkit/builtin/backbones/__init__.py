"""Backbones: networks from an image to features."""

from imbalkit.builtin.backbones.small_cnn import SmallCNN
from imbalkit.builtin.backbones.timm import Timm
from imbalkit.kinds import Backbone

BACKBONES: list[type[Backbone]] = [SmallCNN, Timm]
