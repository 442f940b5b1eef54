"""Cross entropy of logits that are scaled and shifted by class while a network learns: VS loss, CDT, logit adjustment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import at_least_float32, check_batch, check_reduction, cross_entropy
from imbalkit.functional.checks import check_count


class VectorScaling(nn.Module):
    """Cross entropy of scale_c z_c + shift_c, in float32. Kini et al. 2021.

    The network's own logits z are what is kept and evaluated.

    Args:
        scale, shift: a number for each class, [C], in their order
        warm_up: first epochs that take plain cross entropy; `epoch_started(epoch)` says which epoch it is
        reduction: "mean" (scalar, over rows) or "none" ([n])

    Raises:
        ImbalkitError: scales that are not above 0, numbers that are not finite, or lists of different lengths
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Sequence[float], shift: Sequence[float], warm_up: int = 0, reduction: str = "mean"):
        super().__init__()
        numbers = np.array([*scale, *shift], dtype=np.float64)
        if len(scale) != len(shift) or len(scale) < 2 or not np.isfinite(numbers).all() or min(scale) <= 0:
            raise ImbalkitError(
                f"expected a scale above 0 and a shift for each class, finite, got scale {list(scale)} and shift {list(shift)}"
            )
        # Not persistent: the counts in training decide, never those of a checkpoint.
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32), persistent=False)
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32), persistent=False)
        self.warm_up = check_count(warm_up, "warm_up", least=0)
        self.reduction = check_reduction(reduction)
        self.is_plain = False

    def epoch_started(self, epoch: int) -> None:
        """Say which epoch begins, from 0."""
        self.is_plain = epoch < self.warm_up

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar, or [n] for reduction "none"."""
        check_batch(logits, targets, len(self.scale))
        logits = at_least_float32(logits)  # before the shift, which half precision would round
        if not self.is_plain:
            logits = logits * self.scale + self.shift
        return cross_entropy(logits, targets, reduction=self.reduction)
