"""From features to logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Head, param

if TYPE_CHECKING:
    from torch import nn


class Mine(Head):
    """Two dense layers with a ReLU between them."""

    name = "mine"
    hidden: int = param(64, help="width of the layer between features and logits", ge=1)

    def build(self, context: BuildContext, features: int) -> nn.Module:
        from torch import nn

        return nn.Sequential(nn.Linear(features, self.hidden), nn.ReLU(), nn.Linear(self.hidden, len(context.classes)))
