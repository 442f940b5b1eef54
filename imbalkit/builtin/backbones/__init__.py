"""Backbones: networks from an image, or the columns of a table, to features."""

from imbalkit.builtin.backbones.mlp import MLP
from imbalkit.builtin.backbones.resnet32 import ResNet32
from imbalkit.builtin.backbones.small_cnn import SmallCNN
from imbalkit.builtin.backbones.timm import Timm
from imbalkit.kinds import Backbone

BACKBONES: list[type[Backbone]] = [MLP, ResNet32, SmallCNN, Timm]
