"""Backbones: networks from an image to features."""

from imbalkit.backbones.small_cnn import SmallCNN
from imbalkit.backbones.timm import Timm

BACKBONES = [SmallCNN, Timm]
