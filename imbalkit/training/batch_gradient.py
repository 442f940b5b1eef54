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
                logits, features = self._forward(self.wrapped, *read.inputs)
                if cached is not None:
                    # Its gradient is the one known already.
                    part = (logits * cached[1][index][0]).sum()
                    if features is not None:
                        part = part + (features * cached[1][index][1]).sum()
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

    def _forward(self, network: Any, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits float32 [n, C], and what the head saw, float32 [n, F], for a loss that needs it."""
        if not getattr(self.loss, "needs_features", False):
            return network(*inputs).float(), None
        logits, features = network(*inputs, with_features=True)
        return logits.float(), features.float()

    @torch.no_grad()
    def _whole_statistics(self, window: Sequence[Part]) -> torch.Tensor:
        """What the loss counts over the whole batch, before any part is trained on."""
        statistics: Any = 0
        for logits, _, labels in self._ahead(window):
            statistics = statistics + self.loss.statistics(logits, labels)
        return self.session.sum_devices(statistics)

    def _whole_gradient(self, window: Sequence[Part], rows: int) -> tuple[torch.Tensor, list[tuple[torch.Tensor, ...]]]:
        """The loss of the whole batch, and its gradient with respect to what the network gives for each part.

        That is its logits, [n, C], and the features, [n, F], for a loss that needs them. Each device has those of all, and takes
        the gradient for its own; by the chain rule a part's gradient of the parameters then needs no other part (gradient
        caching, Gao et al. 2021).
        """
        rank, world = self.session.fabric.global_rank, self.session.fabric.world_size
        logits, features, labels = zip(*self._ahead(window), strict=True)
        sizes = [len(own) for own in labels]

        def whole(parts: Sequence[torch.Tensor]) -> torch.Tensor:
            """Of all rows and devices; a row is zero everywhere but on its own device, so that the sums are exact."""
            own = torch.cat(tuple(parts))
            found = own.new_zeros((rows, *own.shape[1:]))
            found[rank::world] = own
            return self.session.sum_devices(found)

        given, options = [whole(logits).requires_grad_()], {}
        if features[0] is not None:
            options["features"] = whole(features).requires_grad_()
            given.append(options["features"])
        loss = self.loss(given[0], whole(labels), **options)
        loss = loss.mean() if loss.ndim else loss
        slopes = torch.autograd.grad(loss, given, allow_unused=True, materialize_grads=True)  # it may use one of them
        return loss.detach(), list(zip(*(slope[rank::world].split(sizes) for slope in slopes), strict=True))

    def _ahead(self, window: Sequence[Part]) -> list[tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]]:
        """Logits, features and labels of each part, from one more pass without gradients, which leaves no trace."""
        found = []
        with torch.no_grad(), same_draws(self.session.fabric.device), kept_buffers(self.model):
            for batch in window:
                read = self.render(batch)
                with self.session.fabric.autocast():
                    found.append((*self._forward(self.model, *read.inputs), read.labels))
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
