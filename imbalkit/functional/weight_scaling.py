"""A linear head whose logits have one factor a class (Kang et al. 2020, section 4.4)."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn


class ScaledHead(nn.Module):
    """scale_c z_c of a head's logits z [n, C]; the head learns too if `train_head`."""

    def __init__(self, head: nn.Module, train_head: bool):
        super().__init__()
        self.head = head.requires_grad_(train_head)
        self.scale = nn.Parameter(torch.ones_like(cast(torch.Tensor, head.bias)))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.scale * self.head(features)
        return logits

    @torch.no_grad()
    def folded(self) -> nn.Module:
        """The head with the factors multiplied into its weights and bias."""
        head = self.head.requires_grad_(True)
        cast(torch.Tensor, head.weight).mul_(self.scale[:, None])
        cast(torch.Tensor, head.bias).mul_(self.scale)
        return head
