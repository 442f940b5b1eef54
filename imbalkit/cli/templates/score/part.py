"""What a row is ranked by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Score

if TYPE_CHECKING:
    import torch


class Mine(Score):
    """1 - p, p the probability that the model gives to the row's own class: 0 for an easy row, 1 for a hard one."""

    name = "mine"

    def build(self, context: BuildContext) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        def score(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return 1 - logits.float().softmax(dim=1).gather(1, targets[:, None])[:, 0]

        return score
