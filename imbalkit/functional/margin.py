"""How clearly a model prefers another class."""

from __future__ import annotations

import torch
from torch import Tensor

from imbalkit.functional.ce import at_least_float32


def margin(logits: Tensor, targets: Tensor) -> Tensor:
    """The largest other class's logit minus the target class's.

    Args:
        logits: float [n, C], C >= 2
        targets: int64 [n], 0..C-1

    Returns:
        [n], float32, or float64 for float64 logits; above 0 where the model is wrong
    """
    logits = at_least_float32(logits)
    target = targets.unsqueeze(1)
    others = logits.scatter(1, target, -torch.inf).amax(1)
    return others - logits.gather(1, target).squeeze(1)
