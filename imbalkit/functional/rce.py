"""Recall cross entropy: a class weighs as much as the model misses of it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn

from imbalkit.errors import ImbalkitError
from imbalkit.functional.ce import check_batch, check_reduction, cross_entropy
from imbalkit.functional.checks import check_count, check_number, class_weights

ESTIMATORS = ("batch", "ema", "epoch")


def recall_counts(logits: Tensor, targets: Tensor) -> Tensor:
    """FN and N of each class: rows that argmax gives to another class, and all rows.

    Args:
        logits: float [n, C]
        targets: int64 [n], 0..C-1

    Returns:
        float32 [2, C]: FN, N; additive over batches
    """
    missed = logits.argmax(1).ne(targets)  # [n], outside the gradient
    # bincount and masks would wait for the GPU; adding by index does not.
    counts = torch.zeros(2, logits.shape[1], device=logits.device)
    counts[0].index_add_(0, targets, missed.float())
    counts[1].index_add_(0, targets, torch.ones(targets.shape, device=logits.device))
    return counts


def miss_rates(counts: Tensor, floor: float = 1.0) -> Tensor:
    """F_c = max(FN_c, floor) / max(N_c, 1). Gilal et al. 2023, eq. 6; the floors as in Tian et al. 2022's code.

    Args:
        counts: [2, C]: FN, N
        floor: the least FN to reckon with, in rows; 0 gives a class without a miss no weight at all

    Returns:
        [C], finite also for classes without rows
    """
    missed, rows = counts.unbind()
    return missed.clamp_min(floor) / rows.clamp_min(1)


class RecallCrossEntropy(nn.Module):
    """Cross entropy times F_y, the rate at which rows of the row's class are missed, times the class's cost.

    Gilal et al. 2023, eq. 6 and 7; Tian et al. 2022. The weights stay outside the gradient. What F_c is taken from:

    - "batch": the batch itself, F_c = max(FN_c, floor) / max(N_c, 1);
    - "ema": sums over all batches before this one, FN and N both multiplied by `decay` at each step: about the last
      1 / (1 - decay) batches, so that a class absent from this batch keeps its weight;
    - "epoch": the counts of the epoch before.

    "ema" and "epoch" start at F = 1, and so does a class of which (almost) no row has been counted.

    **In a plain loop** call `module(logits, targets)`. In training mode it counts, sums the counts over processes where
    torch.distributed is initialised (each process must then call it equally often), weighs, and updates its state. In
    evaluation mode it neither talks to other processes nor changes. Call `epoch_finished()` after each training epoch.

    **A loop that accumulates gradients** does those steps itself, so that the weights are those of the whole batch:
    `statistics(logits, targets)` for each part of the batch; add them up, also over processes;
    `module(logits, targets, statistics=total)` for each part, which changes nothing; then `update(total)` once.
    Only with `needs_statistics` (the "batch" estimator) must the total be known before the first loss.

    Buffers (in the state dict): `counts` [2, C], the FN and N that the weights come from; `running` [2, C], those of
    the epoch so far.

    Args:
        num_classes: C
        estimator: "batch", "ema" or "epoch"
        floor: the least FN to reckon with, in rows
        decay: of the "ema" estimator, 0..1
        costs: a factor on the weight of each class, [C], in their order (gamma in eq. 7); None for 1
        label_smoothing: as in `cross_entropy`
        reduction: "mean" (scalar, over rows) or "none" ([n])
    """

    counts: Tensor
    running: Tensor
    costs: Tensor | None

    def __init__(
        self,
        num_classes: int,
        estimator: str = "batch",
        floor: float = 1.0,
        decay: float = 0.9,
        costs: Sequence[float] | Tensor | None = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ):
        super().__init__()
        if estimator not in ESTIMATORS:
            raise ImbalkitError(f"estimator: expected one of {', '.join(ESTIMATORS)}, got {estimator!r}")
        self.num_classes = check_count(num_classes, "num_classes")
        self.estimator = estimator
        self.floor = check_number(floor, "floor")
        self.decay = check_number(decay, "decay", most=1, below=True)
        self.label_smoothing = check_number(label_smoothing, "label_smoothing", most=1)
        self.reduction = check_reduction(reduction)
        self.register_buffer("counts", torch.zeros(2, num_classes))
        self.register_buffer("running", torch.zeros(2, num_classes))
        costs = None if costs is None else class_weights(costs, num_classes, "costs")
        self.register_buffer("costs", costs, persistent=False)

    @property
    def needs_statistics(self) -> bool:
        """Whether the loss depends on the statistics of the very batch."""
        return self.estimator == "batch"

    def statistics(self, logits: Tensor, targets: Tensor) -> Tensor:
        """FN and N of these rows, float32 [2, C]; additive, of this process alone."""
        check_batch(logits, targets, self.num_classes)
        return recall_counts(logits, targets)

    def forward(self, logits: Tensor, targets: Tensor, statistics: Tensor | None = None) -> Tensor:
        """Logits [n, C] and targets [n] to a scalar, or [n] for reduction "none".

        Args:
            statistics: [2, C], of the whole batch over its parts and processes; None to count these rows and, in
                training mode, to sum over processes and `update`
        """
        check_batch(logits, targets, self.num_classes)
        commit = statistics is None and self.training
        if statistics is None and (commit or self.needs_statistics):
            statistics = recall_counts(logits, targets)
            if commit and dist.is_available() and dist.is_initialized():
                dist.all_reduce(statistics)
        weights = self._weights(self.counts if statistics is None or not self.needs_statistics else statistics)
        loss = cross_entropy(logits, targets, weights, self.label_smoothing, self.reduction)
        if commit and statistics is not None:
            self.update(statistics)
        return loss

    def update(self, statistics: Tensor) -> None:
        """Take in the statistics of one whole batch, [2, C], summed over processes. Once a step, after its losses."""
        if self.estimator == "ema":
            self.counts.mul_(self.decay).add_(statistics)
        elif self.estimator == "epoch":
            self.running.add_(statistics)
        else:
            self.counts.copy_(statistics)

    def epoch_finished(self) -> None:
        """Start a new epoch: the "epoch" estimator's counts become those just taken; absent classes keep theirs."""
        if self.estimator == "epoch":
            self.counts.copy_(torch.where(self.running[1] > 0, self.running, self.counts))
            self.running.zero_()

    def class_weights(self) -> Tensor:
        """The weights in use, [C]: of the last batch, or those that the next one gets ("ema", "epoch")."""
        return self._weights(self.counts)

    def _weights(self, counts: Tensor) -> Tensor:
        if not self.needs_statistics:
            # Missed rows on top until there is one (or `floor`): F starts at 1, and a forgotten class returns to it.
            counts = counts + (max(self.floor, 1) - counts[1]).clamp_min(0)
        weights = miss_rates(counts, self.floor)
        return weights if self.costs is None else weights * self.costs
