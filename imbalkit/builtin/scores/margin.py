"""Rank rows by how clearly the model prefers another class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imbalkit.kinds import BuildContext, Score

if TYPE_CHECKING:
    import torch


class MarginScore(Score):
    """The largest other class's logit minus the own class's: above 0 where the model is wrong; higher is harder."""

    name = "margin"

    def build(self, context: BuildContext) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        from imbalkit.functional.margin import margin

        return margin
