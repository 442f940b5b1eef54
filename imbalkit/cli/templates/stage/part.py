"""What follows the main training: a part of the network learns further. The engine trains; this part says what learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imbalkit.kinds import TrainedStage

if TYPE_CHECKING:
    from torch import nn


class Mine(TrainedStage):
    """Trains the bias of the present head alone; weights and body stay. Epochs, order, loss and the like come with it."""

    name = "mine"
    needs_linear_head = True  # a head of weight [C, F] and bias [C]

    def head_to_train(self, head: nn.Module) -> nn.Module:
        head.weight.requires_grad_(False)
        return head
