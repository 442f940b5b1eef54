"""Rank rows by their loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Score

if TYPE_CHECKING:
    import torch


class LossScore(Score):
    """Cross entropy of each row, in float32, whatever loss trains the model. Gilal et al. 2023 rank rows by it."""

    name = "loss"

    def build(self, context: BuildContext) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        from imbalkit.functional.ce import CrossEntropy

        return CrossEntropy(reduction="none")
