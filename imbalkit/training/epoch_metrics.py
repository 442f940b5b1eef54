"""Loss and per-class recall of an epoch, summed on the device."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric


class Tally:
    """Adds up batches without waiting for the device."""

    def __init__(self, classes: int, device: torch.device):
        self.loss = torch.zeros((), device=device, dtype=torch.float64 if device.type != "mps" else torch.float32)
        self.rows = torch.zeros(2, classes, device=device)  # rows, hits of each class

    def add(self, logits: torch.Tensor, labels: torch.Tensor, loss: torch.Tensor) -> None:
        hits = (logits.argmax(1) == labels).float()
        self.rows[0].scatter_add_(0, labels, torch.ones_like(hits))
        self.rows[1].scatter_add_(0, labels, hits)
        self.loss += loss

    def figures(self, fabric: Fabric, classes: tuple[str, ...]) -> dict[str, Any]:
        loss, rows = self.loss, self.rows
        if fabric.world_size > 1:
            loss, rows = fabric.all_reduce(loss, reduce_op="sum"), fabric.all_reduce(rows, reduce_op="sum")
        counts, hits = rows.tolist()
        recall = {name: hit / count if count else None for name, hit, count in zip(classes, hits, counts, strict=True)}
        return {"loss": float(loss) / max(1.0, sum(counts)), "train_recall": recall}
