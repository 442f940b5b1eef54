"""Features computed once: a head then trains on them, without images and body."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from imbalkit.plan import Plan
from imbalkit.training.classifier import Classifier, logits_of

if TYPE_CHECKING:
    from imbalkit.training.batches import Batch


@dataclass(frozen=True)
class FeatureBatch:
    """Rows of a plan by their features; stands for `Batch`, which has their images.

    Attributes:
        rows: positions in the plan, int64 [n]
        features: float32 [n, F], on the device
        labels: int64 [n], on the device
    """

    rows: np.ndarray
    features: torch.Tensor
    labels: torch.Tensor

    def render(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Features and labels."""
        return self.features, self.labels

    def beside(self, device: torch.device) -> tuple[torch.Tensor, ...]:
        """Nothing: features hold those of the columns, too."""
        return ()


@dataclass(frozen=True)
class FeatureTable:
    """The features of all rows of some plans.

    Attributes:
        plans: the plans
        features: of each plan, float32 [n, F], all on one device
        labels: of each plan, int64 [n], on that device
    """

    plans: Sequence[Plan]
    features: Sequence[torch.Tensor]
    labels: Sequence[torch.Tensor]

    @classmethod
    def of(cls, plans: Sequence[Plan], features: Sequence[torch.Tensor], device: torch.device) -> FeatureTable:
        """Features of plans, moved to the device where a head trains on them."""
        labels = [torch.from_numpy(plan.label.astype(np.int64)).to(device) for plan in plans]
        return cls(plans, [table.to(device) for table in features], labels)

    def read(self, plan: Plan, batches: Sequence[np.ndarray]) -> Generator[FeatureBatch, None, None]:
        """Batches in order, of one of the plans; `batches` are positions in it, int64 [n] each."""
        number = next(index for index, known in enumerate(self.plans) if known is plan)
        features, labels = self.features[number], self.labels[number]
        for rows in batches:
            index = index_on(features.device, rows)
            yield FeatureBatch(rows, features[index], labels[index])


@torch.no_grad()
def computed(
    compute: Callable[..., torch.Tensor], batches: Iterable[Batch | FeatureBatch], device: torch.device
) -> Generator[tuple[np.ndarray, torch.Tensor, torch.Tensor], None, None]:
    """Of each batch its rows, its labels and `compute(images, *columns)` in float32, both on the device; without gradients.

    Every pass over rows that trains nothing is this one: logits, scores, and features of whatever network.
    """
    for batch in batches:
        images, labels = batch.render(device)
        yield batch.rows, labels, compute(images, *batch.beside(device)).float()


def index_on(device: torch.device, rows: np.ndarray) -> torch.Tensor:
    """Positions as an index of a tensor on a device, int64 [n], without a wait for what the device is doing."""
    index = torch.from_numpy(np.asarray(rows, dtype=np.int64))
    if device.type == "cuda":  # the copy of a pinned index does not wait
        index = index.pin_memory().to(device, non_blocking=True)
    return index


class HeadNetwork(nn.Module):
    """A network without its body: features [n, F] to logits [n, C], by the dropout and the head of a network."""

    def __init__(self, network: Classifier):
        super().__init__()
        self.dropout, self.head = network.dropout, network.head

    def forward(self, features: torch.Tensor, with_features: bool = False) -> Any:
        return logits_of(features, self.dropout, self.head, with_features)
