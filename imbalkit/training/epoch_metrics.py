"""Loss and per-class recall of an epoch, summed on the device."""

from __future__ import annotations

from typing import Any

import torch

from imbalkit.training.session import TrainingSession

EpochValues = dict[str, Any]  # what log.jsonl says of an epoch: stage, epoch, loss, train_recall, lr, validation, ...


class EpochMetrics:
    """Adds up batches without waiting for the device."""

    def __init__(self, classes: int, device: torch.device):
        self.loss = torch.zeros((), device=device, dtype=torch.float64 if device.type != "mps" else torch.float32)
        self.rows = torch.zeros(2, classes, device=device)  # rows, hits of each class

    def add(self, logits: torch.Tensor, labels: torch.Tensor, loss: torch.Tensor) -> None:
        """Add a batch: logits [n, C], label codes int64 [n], the sum of its rows' losses."""
        hits = (logits.argmax(1) == labels).float()
        self.rows[0].scatter_add_(0, labels, torch.ones_like(hits))
        self.rows[1].scatter_add_(0, labels, hits)
        self.loss += loss

    def values(self, session: TrainingSession, classes: tuple[str, ...]) -> EpochValues:
        """Mean loss of a row, and the recall of each class (None without rows), of all devices together."""
        loss = session.sum_devices(self.loss)
        counts, hits = session.sum_devices(self.rows).tolist()
        recall = {name: hit / count if count else None for name, hit, count in zip(classes, hits, counts, strict=True)}
        return {"loss": float(loss) / max(1.0, sum(counts)), "train_recall": recall}
