"""Backbones: networks from an image to features."""

from imbalkit.builtin.backbones.resnet32 import ResNet32
from imbalkit.builtin.backbones.small_cnn import SmallCNN
from imbalkit.builtin.backbones.timm import Timm
from imbalkit.kinds import Backbone

BACKBONES: list[type[Backbone]] = [ResNet32, SmallCNN, Timm]
