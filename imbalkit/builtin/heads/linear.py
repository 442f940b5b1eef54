"""A dense layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Head

if TYPE_CHECKING:
    from torch import nn


class Linear(Head):
    """Dropout, and logits w_c h + b_c of the features h."""

    name = "linear"
    is_linear = True

    def build(self, context: BuildContext, features: int) -> nn.Module:
        from torch import nn

        return nn.Linear(features, len(context.classes))
