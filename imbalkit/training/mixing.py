"""What a step sees of the rows that it reads: images and labels, mixed with those of partners where a mixer does so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from imbalkit.errors import TrainingError
from imbalkit.functional.mixing import blend
from imbalkit.training.batches import Batch
from imbalkit.training.features import FeatureBatch, index_on


@dataclass(frozen=True)
class Rows:
    """A part of a batch on the device.

    Attributes:
        images: float [n, C, H, W]
        labels: int64 [n]
        partner_labels: int64 [n], of the rows that the images are mixed with; None where nothing is mixed
        share: float32 [n], each row's share of its own label
        columns: what the network takes beside the images, float32 [n, W], mixed in the same shares; None for nothing
        teacher: float32 [n, C], what a teacher says of each row; None without one
        partner_teacher: float32 [n, C], and of the rows that the images are mixed with
    """

    images: torch.Tensor
    labels: torch.Tensor
    partner_labels: torch.Tensor | None = None
    share: torch.Tensor | None = None
    columns: torch.Tensor | None = None
    teacher: torch.Tensor | None = None
    partner_teacher: torch.Tensor | None = None

    @property
    def inputs(self) -> tuple[torch.Tensor, ...]:
        """What the network is called with."""
        return (self.images,) if self.columns is None else (self.images, self.columns)

    def loss(self, module: Any, logits: torch.Tensor, features: torch.Tensor | None = None, **options: Any) -> Any:
        """What a loss gives for logits [n, C]: [n] or a scalar; of mixed rows each label's loss in its share.

        Raises TrainingError for mixed rows and a loss that gives a scalar.
        """
        if getattr(module, "needs_features", False):
            options["features"] = features
        loss = module(logits, self.labels, **options, **_taught(module, self.teacher))
        if self.share is None or self.partner_labels is None:
            return loss
        if not loss.ndim:
            raise TrainingError(
                "mixed rows need a loss for each row, [n], and this one gives a mean: leave out `mixer`, or build the loss with "
                "reduction='none'"
            )
        partner = module(logits, self.partner_labels, **options, **_taught(module, self.partner_teacher))
        return self.share * loss + (1 - self.share) * partner


def _taught(module: Any, teacher: torch.Tensor | None) -> dict[str, torch.Tensor | None]:
    """The argument `teacher` of a loss that needs one. Targets are mixed as labels are: each row's loss in its share."""
    return {"teacher": teacher} if getattr(module, "needs_teacher", False) else {}


@dataclass(frozen=True)
class Part:
    """Rows of a batch that are read, and how they are mixed.

    Attributes:
        batch: the rows, followed by as many partners if they were read, too
        rng: makes the generator of the mixture, the same at every call; None where nothing is mixed
        with_partners: whether partners were read; else they are rows of this part
    """

    batch: Batch | FeatureBatch
    rng: Callable[[], np.random.Generator] | None = None
    with_partners: bool = False

    @property
    def rows(self) -> np.ndarray:
        """Positions in the plan, without the partners, int64 [n]."""
        return self.batch.rows[: len(self)]

    def __len__(self) -> int:
        return len(self.batch.rows) // 2 if self.with_partners else len(self.batch.rows)

    def render(self, device: torch.device, augment: Any, mixer: Any, teacher: torch.Tensor | None = None) -> Rows:
        """Images and labels on a device, after the modules `augment` and `mixer`.

        `teacher` has a row for each of the plan, float32 [rows of the plan, C] on the device; None without one.
        """
        images, labels = self.batch.render(device)
        images, columns = augment(images), next(iter(self.batch.beside(device)), None)
        taught = None if teacher is None else teacher[index_on(device, self.batch.rows)]
        if self.rng is None:
            return Rows(images, labels, columns=columns, teacher=taught)
        rng, own = self.rng(), len(self)
        if self.with_partners:
            order: Any = slice(own, None)
        else:
            order = torch.from_numpy(rng.permutation(own)).to(device, non_blocking=True)
        partner_labels = labels[order]
        mixed, share = mixer(images[:own], labels[:own], images[order], partner_labels, rng)
        if columns is not None:
            columns = blend(columns[:own], columns[order], share)
        own_taught, partner_taught = (None, None) if taught is None else (taught[:own], taught[order])
        return Rows(mixed, labels[:own], partner_labels, share, columns, own_taught, partner_taught)


@dataclass
class Streams:
    """The rows that a device reads in an epoch, part by part.

    Attributes:
        own: positions in the plan of each part, int64 [n]
        rng: makes the generator of a part's mixture from its number; None where nothing is mixed
        partners: positions of the partners, as many in each part; None where they are rows of the same part
        taken: parts taken so far
    """

    own: Sequence[np.ndarray]
    rng: Callable[[int], np.random.Generator] | None = None
    partners: Sequence[np.ndarray] | None = None
    taken: int = field(default=0, init=False)

    @property
    def parts(self) -> list[np.ndarray]:
        """What to read of each part: its rows, then their partners."""
        if self.partners is None:
            return list(self.own)
        return [np.concatenate(pair) for pair in zip(self.own, self.partners, strict=True)]

    def take(self, reader: Iterator[Batch | FeatureBatch]) -> Part:
        """The next part of a reader of `parts`."""
        batch, number, rng = next(reader), self.taken, self.rng
        self.taken += 1
        return Part(batch, None if rng is None else lambda: rng(number), self.partners is not None)
