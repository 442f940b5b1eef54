"""A plan as an ordinary torch Dataset, for a user's own loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset

from imbalkit.data.dataset_store import as_store
from imbalkit.errors import PlanError
from imbalkit.plan.operation import RowsWithViews
from imbalkit.plan.rendering import render


class PlanDataset(TorchDataset[tuple[torch.Tensor, int]]):
    """A plan as an ordinary torch Dataset: item i is (image float32 [C, H, W] in 0..1, label int).

    `__getitems__` renders a whole batch at once, which DataLoader uses by itself.
    """

    def __init__(self, plan: RowsWithViews, images: Any, transform: Any = None):
        """
        Args:
            plan: rows to train on
            images: images by sample index: a store, an array uint8, or a map-style torch Dataset (imbalkit.data.dataset_store)
            transform: called on each image, [C, H, W]

        Raises:
            DataError: something else
            PlanError: fewer images than the plan's rows are made from
        """
        self.plan, self.images, self.transform = plan, as_store(images), transform
        needed = int(plan.source.max()) + 1 if len(plan) else 0
        if len(self.images) < needed:
            raise PlanError(
                f"the plan's rows are made from samples 0 to {needed - 1:,}, and there are {len(self.images):,} images: give "
                "those that the plan was made for, in their order"
            )

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[torch.Tensor, int]]:
        rows = np.asarray(indices, dtype=np.int64)
        rows = np.where(rows < 0, rows + len(self), rows)
        if len(rows) and not ((rows >= 0) & (rows < len(self))).all():
            raise IndexError(f"the plan has {len(self)} rows, got {indices}")
        images = render(self.images, self.plan, rows)
        labels = self.plan.label[rows].tolist()
        if self.transform is not None:
            return [(self.transform(image), label) for image, label in zip(images, labels, strict=True)]
        return list(zip(images, labels, strict=True))
