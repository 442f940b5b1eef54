"""Steps behind the head that every graph of a file has."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn


class Calibration(nn.Module):
    """scale * logits + bias of each class."""

    scale: torch.Tensor
    bias: torch.Tensor

    def __init__(self, scale: np.ndarray, bias: np.ndarray):
        super().__init__()
        for name, value in (("scale", scale), ("bias", bias)):
            self.register_buffer(name, torch.as_tensor(np.asarray(value), dtype=torch.float32))

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return logits * self.scale + self.bias


class LossMapping(nn.Module):
    """The map of a loss, or nothing."""

    def __init__(self, loss: nn.Module | None):
        super().__init__()
        self.loss = nn.Identity() if loss is None else loss.float()

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        return self.loss(logits)


class MeanOfMembers(nn.Module):
    """Logarithms of probabilities [M, n, K] to those of their mean over members, [n, K]."""

    def forward(self, logs: torch.Tensor) -> torch.Tensor:
        return logs.logsumexp(dim=0) - math.log(len(logs))
