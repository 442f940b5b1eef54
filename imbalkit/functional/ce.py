"""Cross entropy, plain and weighted by class, in float32 whatever the logits' precision."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imbalkit.errors import ImbalkitError
from imbalkit.functional.checks import check_number, class_weights

REDUCTIONS = ("mean", "none")


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    weights: Tensor | None = None,
    label_smoothing: float | Tensor = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """w_y CE of each row, or its plain mean over the rows. Gilal et al. 2023, eq. 2 to 4.

    Torch's own weighted mean divides by the sum of the rows' weights, which takes most of a weight's effect back in a
    batch of one class; the mean here divides by the number of rows. With label smoothing a row keeps the weight of its
    own class (torch weighs each class's share of the smoothed target instead).

    Args:
        logits: float [n, C]
        targets: int64 [n], 0..C-1
        weights: [C], without gradient; None for 1
        label_smoothing: share of the target that is spread evenly over all classes, 0..1; or that of each row's class, [C]
        reduction: "mean" (scalar; 0 without rows) or "none" ([n])

    Returns:
        float32, or float64 for float64 logits
    """
    logits = at_least_float32(logits)
    if isinstance(label_smoothing, Tensor):
        rows = _smoothed(logits, targets, label_smoothing)
        rows = rows if weights is None else rows * weights.to(logits.dtype)[targets]
        return rows if reduction == "none" else rows.sum() / max(len(targets), 1)
    if weights is None:
        if reduction == "none" or len(targets) == 0:
            rows = F.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none")
            return rows if reduction == "none" else rows.sum()
        return F.cross_entropy(logits, targets, label_smoothing=label_smoothing)
    if weights.dtype != logits.dtype:
        weights = weights.to(logits.dtype)
    if reduction == "mean":
        # Sum of rows with w / n: one step less to differentiate. By a tensor: a Python number costs 10 us more (CPU).
        weights = weights / torch.full_like(weights, max(targets.shape[0], 1))
    total = "none" if reduction == "none" else "sum"
    if label_smoothing == 0:
        return F.cross_entropy(logits, targets, weight=weights, reduction=total)
    rows = weights[targets] * F.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none")
    return rows if reduction == "none" else rows.sum()


def _smoothed(logits: Tensor, targets: Tensor, label_smoothing: Tensor) -> Tensor:
    """Cross entropy with each class's own label smoothing, [n]. Zhong et al. 2021, as in their code: evenly over all."""
    log_p, share = torch.log_softmax(logits, dim=1), label_smoothing.to(logits.dtype)[targets]
    return -(1 - share) * log_p.gather(1, targets.unsqueeze(1)).squeeze(1) - share * log_p.mean(1)


def at_least_float32(logits: Tensor) -> Tensor:
    """bf16 and fp16 logits as float32; float64 stays."""
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()


def check_reduction(reduction: str) -> str:
    """Raise ImbalkitError unless it is "mean" or "none"."""
    if reduction not in REDUCTIONS:
        raise ImbalkitError(f"reduction: expected 'mean' or 'none', got {reduction!r}")
    return reduction


def check_batch(logits: Tensor, targets: Tensor, num_classes: int) -> None:
    """Raise ImbalkitError unless logits are [n, num_classes] and targets [n]; looks at shapes alone."""
    if logits.dim() != 2 or logits.shape[1] != num_classes or targets.shape != logits.shape[:1]:
        raise ImbalkitError(
            f"expected logits [n, {num_classes}] and targets [n], got {list(logits.shape)} and {list(targets.shape)}"
        )


class CrossEntropy(nn.Module):
    """Cross entropy in float32; arguments as in `cross_entropy`, `label_smoothing` also as a sequence of C numbers."""

    label_smoothing: float | Tensor

    def __init__(self, label_smoothing: float | Sequence[float] = 0.0, reduction: str = "mean"):
        super().__init__()
        _keep_smoothing(self, label_smoothing)
        self.reduction = check_reduction(reduction)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar, or [n] for reduction "none"."""
        return cross_entropy(logits, targets, None, self.label_smoothing, self.reduction)


class WeightedCrossEntropy(nn.Module):
    """Cross entropy times the weight of a row's class; the mean is over rows, see `cross_entropy`.

    Args:
        weights: a weight for each class, [C], in their order

    Raises:
        ImbalkitError: weights that are negative, not finite, or all 0
    """

    weights: Tensor
    label_smoothing: float | Tensor

    def __init__(
        self,
        weights: Sequence[float] | Tensor,
        label_smoothing: float | Sequence[float] = 0.0,
        reduction: str = "mean",
    ):
        super().__init__()
        # Not persistent: a recipe's weights decide, never those of a checkpoint.
        self.register_buffer("weights", class_weights(weights, None, "weights"), persistent=False)
        _keep_smoothing(self, label_smoothing, len(self.weights))
        self.reduction = check_reduction(reduction)

    def class_weights(self) -> Tensor:
        """The weights, [C]."""
        return self.weights

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar, or [n] for reduction "none"."""
        check_batch(logits, targets, len(self.weights))
        return cross_entropy(logits, targets, self.weights, self.label_smoothing, self.reduction)


class WeightedMean(nn.Module):
    """A loss of rows weighed by class, times n over the sum of the batch's weights: its mean over rows is their weighted mean.

    So does torch's weighted cross entropy with reduction "mean", sum_i w_{y_i} CE_i / sum_i w_{y_i}. The sum is that of the whole
    batch: a loop that cuts it into parts, or spreads it over devices, adds up `statistics` and gives them to each call.

    Args:
        loss: a module that gives w_y L_i of each row, [n]
        weights: w of each class, above 0, [C]
    """

    weights: Tensor
    needs_statistics = True

    def __init__(self, loss: nn.Module, weights: Sequence[float] | Tensor):
        super().__init__()
        self.loss = loss
        self.register_buffer("weights", class_weights(weights, None, "weights"), persistent=False)

    def class_weights(self) -> Tensor:
        """The weights, [C], of which a common factor does nothing."""
        return self.weights

    def statistics(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The sum of these rows' weights, and their number, float32 [2]; additive."""
        weights = self.weights[targets]
        return torch.stack([weights.sum(), torch.full_like(weights, 1.0).sum()])

    def forward(self, logits: Tensor, targets: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Logits [n, C] and targets [n] to [n]. `statistics`: [2], of the whole batch; None for these rows alone."""
        total, rows = self.statistics(logits, targets) if statistics is None else statistics
        weighed: Tensor = self.loss(logits, targets) * (rows / total)
        return weighed

    def update(self, statistics: Tensor) -> None:
        """Nothing is kept from one batch to the next."""


def _keep_smoothing(
    module: CrossEntropy | WeightedCrossEntropy, value: float | Sequence[float], num_classes: int | None = None
) -> None:
    """Give a module its `label_smoothing`: a number, or a buffer of one of each class. Raises ImbalkitError."""
    if not isinstance(value, Sequence):
        module.label_smoothing = check_number(value, "label_smoothing", most=1)
        return
    if num_classes not in (None, len(value)):
        raise ImbalkitError(f"label_smoothing: expected a number for each of {num_classes} classes, got {list(value)}")
    shares = [check_number(share, "label_smoothing", most=1) for share in value]
    module.register_buffer("label_smoothing", torch.tensor(shares, dtype=torch.float32), persistent=False)
