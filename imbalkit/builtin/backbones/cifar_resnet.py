"""The network of `resnet32`. It imports torch, so parts import it in `build` alone."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import pad, relu


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm; the input is added before the last ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.stride, self.new_channels = stride, outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out = self.bn2(self.conv2(relu(self.bn1(self.conv1(images)))))
        return relu(out + self.shortcut(images))

    def shortcut(self, images: torch.Tensor) -> torch.Tensor:
        """Option A: every second pixel, and half of the new channels, all zero, on either side of the old ones."""
        if not self.new_channels:
            return images
        half = self.new_channels // 2
        return pad(images[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.new_channels - half))


class CifarResNet(nn.Module):
    """Normalised images [n, C, 32, 32] to features [n, 64], with `blocks` blocks in each of the three groups."""

    def __init__(self, blocks: int, channels: int = 3):
        super().__init__()
        self.num_features = 64
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        layers = []
        for inputs, outputs in ((16, 16), (16, 32), (32, 64)):
            first = Block(inputs, outputs, stride=outputs // inputs)
            layers.append(nn.Sequential(first, *(Block(outputs, outputs, 1) for _ in range(blocks - 1))))
        self.layer1, self.layer2, self.layer3 = layers
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        out = relu(self.bn1(self.conv1(images)))
        return self.layer3(self.layer2(self.layer1(out))).mean((2, 3))
