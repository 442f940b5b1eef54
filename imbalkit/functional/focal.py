"""Focal loss for any number of classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import at_least_float32, check_batch, check_reduction
from imbalkit.functional.checks import check_count, check_number, class_weights


def focal_loss(
    logits: Tensor, targets: Tensor, gamma: float = 2.0, alpha: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """alpha_y (1 - p_y)^gamma CE of each row, or its mean over the rows.

    Lin et al. 2017; Gilal et al. 2023, eq. 5 (there: delta). 1 - p_y is taken as the sum of the other classes'
    probabilities, in logarithms, so that neither the loss nor its gradient fails where p_y rounds to 1.

    Args:
        logits: float [n, C]
        targets: int64 [n], 0..C-1
        gamma: focusing exponent, >= 0; 0 gives cross entropy
        alpha: weight of each class, [C]; None for 1
        reduction: "mean" (scalar; 0 without rows) or "none" ([n])

    Returns:
        float32, or float64 for float64 logits
    """
    log_p = torch.log_softmax(at_least_float32(logits), dim=1)
    target = targets.unsqueeze(1)
    loss = -log_p.gather(1, target).squeeze(1)
    if gamma:
        others = log_p.scatter(1, target, -torch.inf).logsumexp(1)  # log(1 - p_y), [n]
        loss = loss * (gamma * others).exp()
    if alpha is not None:
        if alpha.shape != logits.shape[1:]:  # an index would take a longer one silently
            raise ImbalkitError(
                f"alpha: expected a weight for each class, [{logits.shape[1]}], got {list(alpha.shape)}"
            )
        loss = loss * alpha.detach().to(loss.dtype)[targets]
    return loss if reduction == "none" else loss.sum() / max(len(targets), 1)


class Focal(nn.Module):
    """Focal loss in float32; arguments as in `focal_loss`, `alpha` also as a sequence of C numbers.

    Raises ImbalkitError for an alpha that is not one weight a class, in the order of the classes.
    """

    alpha: Tensor | None

    def __init__(
        self,
        num_classes: int,
        gamma: float = 2.0,
        alpha: Sequence[float] | Tensor | None = None,
        reduction: str = "mean",
    ):
        super().__init__()
        self.num_classes = check_count(num_classes, "num_classes")
        alpha = None if alpha is None else class_weights(alpha, num_classes, "alpha")
        self.register_buffer("alpha", alpha, persistent=False)
        self.gamma = check_number(gamma, "gamma")
        self.reduction = check_reduction(reduction)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar, or [n] for reduction "none"."""
        check_batch(logits, targets, self.num_classes)
        return focal_loss(logits, targets, self.gamma, self.alpha, self.reduction)
