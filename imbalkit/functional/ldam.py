"""LDAM: a wider margin for rarer classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from imbalkit.functional.ce import at_least_float32, check_batch, check_reduction, cross_entropy
from imbalkit.functional.checks import check_number, class_weights


def class_margins(counts: Sequence[int], largest: float = 0.5) -> list[float]:
    """largest (N_c / N_rarest)^(-1/4), [C]: the rarest class has the largest. Cao et al. 2019, eq. 12 and 13.

    Counts matter only relative to the rarest class that has rows; one without rows, which no row is of, has the largest too.
    """
    rows = np.asarray(counts, dtype=np.float64)
    rarest = rows[rows > 0].min(initial=np.inf)
    ratio = np.maximum(rows / rarest, 1.0) if np.isfinite(rarest) else np.ones_like(rows)
    result: list[float] = (largest * ratio**-0.25).tolist()
    return result


class LDAM(nn.Module):
    """Cross entropy of logits less scale times m_y at the row's own class, in float32. Cao et al. 2019, eq. 13.

    Args:
        margins: m_c of each class, [C], in cosines
        scale: what the head multiplies cosines by, so that logits - scale m are scale (cosine - m)
        weights: of each class, [C]; None for 1
        reduction: "mean" (scalar, over rows) or "none" ([n])

    Raises:
        ImbalkitError: margins or weights that are not one a class, finite and 0 or more
    """

    shift: Tensor
    codes: Tensor
    weights: Tensor | None

    def __init__(
        self,
        margins: Sequence[float],
        scale: float = 1.0,
        weights: Sequence[float] | None = None,
        reduction: str = "mean",
    ):
        super().__init__()
        shift = class_weights(margins, None, "margins") * check_number(scale, "scale")
        self.register_buffer("shift", shift, persistent=False)
        self.register_buffer("codes", torch.arange(len(shift)), persistent=False)
        given = None if weights is None else class_weights(weights, len(shift), "weights")
        self.register_buffer("weights", given, persistent=False)
        self.reduction = check_reduction(reduction)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar, or [n] for reduction "none"."""
        check_batch(logits, targets, len(self.shift))
        logits = at_least_float32(logits)
        own = targets.unsqueeze(1) == self.codes  # [n, C]
        logits = logits - torch.where(own, self.shift, 0.0)
        return cross_entropy(logits, targets, self.weights, reduction=self.reduction)
