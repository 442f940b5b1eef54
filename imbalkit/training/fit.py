"""One training: its moving parts, an epoch, an optimiser step, and what a checkpoint holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from imbalkit.base.randomness import derive_seed, generator
from imbalkit.errors import TrainingError, listing
from imbalkit.kinds import Backbone, Loss
from imbalkit.plan import Plan
from imbalkit.training.batches import Batch, partition, read_ahead
from imbalkit.training.classifier import Classifier, build_model
from imbalkit.training.epoch_metrics import Tally
from imbalkit.training.optimization import build_optimizer, build_schedule

if TYPE_CHECKING:
    from imbalkit.training.trainer import Trainer

Figures = dict[str, Any]
CHECK_EVERY = 16  # steps between looks at the losses: each look waits for the device


@dataclass
class Fit:
    """One training: its moving parts and how far it is."""

    trainer: Trainer
    stage: str
    plan: Plan
    model: Classifier  # the network itself
    wrapped: Any  # the same network as Fabric runs it
    average: Any  # its exponential moving average, or None
    loss: nn.Module
    optimizer: Any
    schedule: Any
    augment: nn.Module
    epochs: int
    score: Callable[..., torch.Tensor] | None = None  # of (logits, labels): kept of every row in the last epoch
    scores: torch.Tensor | None = None  # what was kept, float32 [n] on the host
    epoch: int = 0
    steps: int = 0
    best: float | None = None
    best_epoch: int = 0
    best_weights: dict[str, torch.Tensor] | None = None
    stopped: bool = False

    @classmethod
    def build(
        cls,
        trainer: Trainer,
        stage: str,
        plan: Plan,
        backbone: Backbone,
        loss: Loss,
        epochs: int,
        start: dict[str, Any] | None,
        score: Callable[..., torch.Tensor] | None = None,
    ) -> Fit:
        fabric, settings = trainer.fabric, trainer.settings
        if len(plan) // max(1, -(-len(plan) // settings.batch_size)) < fabric.world_size:
            raise TrainingError(
                f"{len(plan)} rows in batches of {settings.batch_size} cannot be shared by {fabric.world_size} devices"
            )
        context = trainer.context(plan, stage)
        model = build_model(backbone, context, trainer.head.dropout)
        if start is not None:
            model.load_state_dict(start)
        if settings.channels_last:
            model = model.to(memory_format=torch.channels_last)
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        model = model.to(fabric.device)
        optimizer = build_optimizer(model, settings.optimizer)
        steps = len(partition(np.arange(len(plan)), settings.batch_size)) * epochs
        schedule = build_schedule(optimizer, settings.schedule, steps, epochs)
        average = None
        if settings.ema is not None:
            from timm.utils import ModelEmaV3

            average = ModelEmaV3(model, decay=settings.ema, use_warmup=True)
        wrapped, optimizer = fabric.setup(torch.compile(model) if settings.compile else model, optimizer)
        modules = [part.build(context) for part in trainer.augment]
        return cls(
            trainer=trainer,
            stage=stage,
            plan=plan,
            model=model,
            wrapped=wrapped,
            average=average,
            loss=loss.build(context).to(fabric.device),
            optimizer=optimizer,
            schedule=schedule,
            augment=nn.Sequential(*modules).to(fabric.device),
            epochs=epochs,
            score=score,
        )

    @property
    def evaluated(self) -> Classifier:
        """The network that is evaluated and kept."""
        return self.average.module if self.average is not None else self.model

    # --- one epoch -------------------------------------------------------------------------------------------------

    def train_epoch(self) -> Figures:
        """One pass over the plan; every row is used once, on one device."""
        trainer, fabric, settings = self.trainer, self.trainer.fabric, self.trainer.settings
        torch.manual_seed(derive_seed(trainer.seed, "epoch", self.stage, self.epoch, fabric.global_rank))
        order = generator(trainer.seed, "order", self.stage, self.epoch).permutation(len(self.plan))
        batches = partition(order, settings.batch_size)
        windows = [self._window(batch) for batch in batches]
        parts = [part for window in windows for part in window]
        reader = read_ahead(self.plan, trainer.images, parts, trainer.pin, trainer.kept)
        tally = Tally(len(self.plan.classes), fabric.device)
        keeps = self.score is not None and self.epoch + 1 == self.epochs
        scores = torch.zeros(len(self.plan), device=fabric.device) if keeps else None
        pending: list[tuple[int, torch.Tensor]] = []
        started = time.perf_counter()
        self.model.train()
        self.loss.train()
        try:
            for index, (batch, window) in enumerate(zip(batches, windows, strict=True)):
                step_loss = self.train_step([next(reader) for _ in window], len(batch), tally, scores)
                pending.append((index, step_loss))
                if len(pending) == CHECK_EVERY or index == len(batches) - 1:
                    self._check_finite(pending, windows, len(batches))
                    pending = []
                trainer.progress.batch(index + 1, len(batches))
        finally:
            reader.close()
        if hasattr(self.loss, "epoch_finished"):
            self.loss.epoch_finished()
        if scores is not None:
            self.scores = self._all_devices(scores).cpu()  # every row is zero everywhere but on one device
        seconds = time.perf_counter() - started
        figures: Figures = {
            "stage": self.stage,
            "epoch": self.epoch + 1,
            **tally.figures(fabric, self.plan.classes),
            "lr": self.optimizer.param_groups[0]["lr"],
            "seconds": round(seconds, 3),
            "rows_per_second": round(len(self.plan) / seconds, 1),
        }
        if hasattr(self.loss, "class_weights"):
            weights = self.loss.class_weights().tolist()
            figures["class_weights"] = dict(zip(self.plan.classes, weights, strict=True))
        return figures

    def _window(self, batch: np.ndarray) -> list[np.ndarray]:
        """This device's rows of a batch, in the parts to accumulate: as many on every device, none of them empty."""
        fabric = self.trainer.fabric
        parts = max(1, min(self.trainer.settings.micro_batches, len(batch) // fabric.world_size))
        return np.array_split(batch[fabric.global_rank :: fabric.world_size], parts)

    def train_step(
        self, window: list[Batch], rows: int, tally: Tally, scores: torch.Tensor | None = None
    ) -> torch.Tensor:
        """One optimiser step over a batch of `rows` rows (of all devices), in the parts of `window`; returns its mean loss.

        The scores of its rows are put into `scores`, float32 [rows of the plan], if it is given.
        """
        fabric, settings = self.trainer.fabric, self.trainer.settings
        # A loss that counts must count the whole batch, over its parts and over the devices.
        counts = len(window) > 1 and hasattr(self.loss, "statistics")
        whole = self._whole_statistics(window) if counts and self.loss.needs_statistics else None
        counted: Any = 0
        total = torch.zeros((), device=fabric.device)
        for index, batch in enumerate(window):
            images, labels = self._render(batch)
            with fabric.no_backward_sync(self.wrapped, enabled=index < len(window) - 1):
                logits = self.wrapped(images).float()
                if counts:
                    own = self.loss.statistics(logits.detach(), labels)
                    counted = counted + own
                    loss = self.loss(logits, labels, statistics=own if whole is None else whole)
                else:
                    loss = self.loss(logits, labels)
                # A scalar counts as the mean over its rows.
                part = (loss.sum() if loss.ndim else loss * len(labels)) / rows
                fabric.backward(part * fabric.world_size)  # gradients are averaged over the devices
            total += part.detach()
            tally.add(logits.detach(), labels, part.detach() * rows)
            if scores is not None:
                places = torch.from_numpy(batch.rows).to(fabric.device)
                scores[places] = self.score(logits.detach(), labels).float()
        if counts:
            self.loss.update(self._all_devices(counted) if whole is None else whole)
        if settings.gradient_clip_norm is not None:
            fabric.clip_gradients(
                self.wrapped, self.optimizer, max_norm=settings.gradient_clip_norm, error_if_nonfinite=False
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        self.schedule.step(self.steps)
        if self.average is not None:
            self.average.update(self.model, step=self.steps)
        return total

    def _whole_statistics(self, window: list[Batch]) -> torch.Tensor:
        """What the loss counts over the whole batch, before any part is trained on: one more pass without gradients."""
        statistics: Any = 0
        devices = [self.trainer.fabric.device] if self._cuda else []
        # The same random numbers are drawn again by the training pass: dropout and augmentation do not differ.
        with torch.no_grad(), torch.random.fork_rng(devices), _still_batch_norm(self.model):
            for batch in window:
                images, labels = self._render(batch)
                with self.trainer.fabric.autocast():
                    logits = self.model(images).float()
                statistics = statistics + self.loss.statistics(logits, labels)
        return self._all_devices(statistics)

    def _all_devices(self, statistics: torch.Tensor) -> torch.Tensor:
        fabric = self.trainer.fabric
        return fabric.all_reduce(statistics, reduce_op="sum") if fabric.world_size > 1 else statistics

    def _render(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        images, labels = batch.render(self.trainer.fabric.device)
        return self.augment(images), labels

    @property
    def _cuda(self) -> bool:
        return self.trainer.fabric.device.type == "cuda"

    def _check_finite(self, pending: list[tuple[int, torch.Tensor]], windows: Any, batches: int) -> None:
        finite = torch.isfinite(torch.stack([loss for _, loss in pending])).tolist()
        if all(finite):
            return
        index, loss = pending[finite.index(False)]
        sources = self.plan.source[np.concatenate(windows[index])]
        raise TrainingError(
            f"the loss is {float(loss)} in {self.stage}, epoch {self.epoch + 1}, batch {index + 1} of {batches}; its rows are "
            f"made from {listing(self.trainer.names(sources), 8)}. Try a smaller training.optimizer.lr, or "
            "training.gradient_clip_norm."
        )

    # --- choice of an epoch, and checkpoints -----------------------------------------------------------------------

    def epoch_done(self, figures: Figures) -> None:
        """Note the epoch, and whether it is the best or the last one."""
        self.epoch += 1
        settings = self.trainer.settings
        if settings.monitor == "last" or "validation" not in figures:
            return
        value = _selection(figures["validation"], settings.monitor, self.trainer.monitor_higher)
        min_delta = settings.early_stopping.min_delta if settings.early_stopping else 0.0
        if value is not None and (self.best is None or value > self.best + min_delta):
            self.best, self.best_epoch = value, self.epoch
            self.best_weights = {
                name: tensor.detach().cpu().clone() for name, tensor in self.evaluated.state_dict().items()
            }
        figures["best_epoch"] = self.best_epoch
        waited = self.epoch - self.best_epoch
        self.stopped = settings.early_stopping is not None and waited >= settings.early_stopping.patience

    def chosen(self) -> Classifier:
        """The network with the weights of the chosen epoch."""
        if self.best_weights is not None:
            self.evaluated.load_state_dict(self.best_weights)
        self.evaluated.eval()
        return self.evaluated

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "loss": self.loss.state_dict(),
            "scores": self.scores,
            "epoch": self.epoch,
            "steps": self.steps,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_weights": self.best_weights,
            "stopped": self.stopped,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.loss.load_state_dict(state["loss"])
        for name in ("scores", "epoch", "steps", "best", "best_epoch", "best_weights", "stopped"):
            setattr(self, name, state[name])


@contextmanager
def _still_batch_norm(model: nn.Module) -> Iterator[None]:
    """Batch norm uses a batch's own statistics but does not remember them."""
    with ExitStack() as stack:
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                stack.callback(setattr, module, "momentum", module.momentum)
                module.momentum = 0.0
        yield


def _selection(validation: Figures, monitor: str, higher: bool) -> float | None:
    """The selection metric, larger for better; of one figure a class, the worst. None where it is not defined."""
    value = validation.get(monitor)
    values = [figure for figure in (value.values() if isinstance(value, dict) else [value]) if figure is not None]
    if not values:
        return None
    return min(values) if higher else -max(values)
