"""The gradient of one whole batch's loss: the same whatever parts and devices the batch is spread over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from imbalkit.training.mixing import Part, Rows
from imbalkit.training.session import TrainingSession

# What has been seen of a part: the part, its logits [n, C] without gradient, labels int64 [n], the sum of its rows' losses.
Seen = Callable[[Part, torch.Tensor, torch.Tensor, torch.Tensor], None]


@dataclass(frozen=True)
class BatchGradient:
    """Adds the gradient of a batch's mean loss to the parameters.

    Attributes:
        session: devices, precision
        model: the network itself
        wrapped: the same network as Fabric runs it
        loss: a module
        by_row: whether a row's loss depends on that row alone (kinds.Loss)
        render: a part's images and labels on the device
    """

    session: TrainingSession
    model: nn.Module
    wrapped: Any
    loss: Any
    by_row: bool
    render: Callable[[Part], Rows]

    def add(self, window: Sequence[Part], rows: int, seen: Seen | None = None) -> tuple[torch.Tensor, Any]:
        """Add the gradient of a batch of `rows` rows (of all devices), of which `window` has this device's parts.

        Returns:
            the mean loss (of a loss by row: this device's share of it), and what a loss that counts is to be updated
            with, None for others
        """
        fabric, parts = self.session.fabric, len(window)
        counts = hasattr(self.loss, "statistics")
        # A loss that counts must count the whole batch, over its parts and over the devices.
        whole = self._whole_statistics(window) if counts and parts > 1 and self.loss.needs_statistics else None
        cached = None
        if not counts and not self.by_row and (parts > 1 or fabric.world_size > 1):
            cached = self._whole_gradient(window, rows)
        counted: Any = 0
        total = torch.zeros((), device=fabric.device)
        for index, batch in enumerate(window):
            read = self.render(batch)
            labels = read.labels
            with fabric.no_backward_sync(self.wrapped, enabled=index < parts - 1):
                logits, features = self._forward(read.images)
                if cached is not None:
                    # Its gradient is the one known already.
                    part = (logits * cached[1][index]).sum()
                    share = cached[0] * len(labels) / rows
                else:
                    if counts:
                        own = self.loss.statistics(logits.detach(), labels)
                        counted = counted + own
                        if parts == 1:
                            whole = self.session.sum_devices(own)
                        loss = read.loss(self.loss, logits, features, statistics=own if whole is None else whole)
                    else:
                        loss = read.loss(self.loss, logits, features)
                    # A scalar counts as the mean over its rows.
                    part = (loss.sum() if loss.ndim else loss * len(labels)) / rows
                    share = part.detach()
                fabric.backward(part * fabric.world_size)  # gradients are averaged over the devices
            total += share
            if seen is not None:
                seen(batch, logits.detach(), labels, share * rows)
        if not counts:
            return total, None
        return total, self.session.sum_devices(counted) if whole is None else whole

    def _forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits float32 [n, C], and what the head saw, float32 [n, F], for a loss that needs it."""
        if not getattr(self.loss, "needs_features", False):
            return self.wrapped(images).float(), None
        logits, features = self.wrapped(images, with_features=True)
        return logits.float(), features.float()

    @torch.no_grad()
    def _whole_statistics(self, window: Sequence[Part]) -> torch.Tensor:
        """What the loss counts over the whole batch, before any part is trained on."""
        statistics: Any = 0
        for logits, labels in self._logits_ahead(window):
            statistics = statistics + self.loss.statistics(logits, labels)
        return self.session.sum_devices(statistics)

    def _whole_gradient(self, window: Sequence[Part], rows: int) -> tuple[torch.Tensor, Sequence[torch.Tensor]]:
        """The loss of the whole batch, and its gradient with respect to the logits of each part, [n, C] each.

        Each device has the logits of all, and takes the gradient for its own; by the chain rule a part's gradient of the
        parameters then needs no other part (gradient caching, Gao et al. 2021).
        """
        rank, world = self.session.fabric.global_rank, self.session.fabric.world_size
        parts = self._logits_ahead(window)
        own, own_labels = torch.cat([logits for logits, _ in parts]), torch.cat([labels for _, labels in parts])
        # A row is zero everywhere but on its own device, so that the sums are exact.
        logits, labels = own.new_zeros((rows, own.shape[1])), own_labels.new_zeros(rows)
        logits[rank::world], labels[rank::world] = own, own_labels
        logits, labels = self.session.sum_devices(logits).requires_grad_(), self.session.sum_devices(labels)
        loss = self.loss(logits, labels)
        loss = loss.mean() if loss.ndim else loss
        (gradient,) = torch.autograd.grad(loss, logits)
        return loss.detach(), gradient[rank::world].split([len(labels) for _, labels in parts])

    def _logits_ahead(self, window: Sequence[Part]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Logits and labels of each part, from one more pass without gradients, which leaves no trace."""
        found = []
        with torch.no_grad(), same_draws(self.session.fabric.device), kept_buffers(self.model):
            for batch in window:
                read = self.render(batch)
                with self.session.fabric.autocast():
                    found.append((self.model(read.images).float(), read.labels))
        return found


@contextmanager
def same_draws(device: torch.device) -> Iterator[None]:
    """What is drawn inside (dropout, augmentation) is drawn again after it."""
    state = torch.mps.get_rng_state() if device.type == "mps" else None
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
    if state is not None:
        torch.mps.set_rng_state(state)


@contextmanager
def kept_buffers(*modules: nn.Module) -> Iterator[None]:
    """Buffers are afterwards what they were: batch norm uses a batch's own statistics and does not remember them."""
    buffers = [buffer for module in modules for buffer in module.buffers()]
    kept = [buffer.clone() for buffer in buffers]
    yield
    with torch.no_grad():
        for buffer, old in zip(buffers, kept, strict=True):
            buffer.copy_(old)
