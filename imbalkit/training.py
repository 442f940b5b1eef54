"""The training loop: epochs over a plan, on the devices that Lightning Fabric sets up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from imbalkit.batches import Batch, partition, read_ahead
from imbalkit.checkpoints import load_checkpoint, save_checkpoint
from imbalkit.errors import TrainingError, listing
from imbalkit.kinds import Augmentation, Backbone, BuildContext, Loss
from imbalkit.model import Classifier, build_model
from imbalkit.plan import Plan
from imbalkit.progress import Progress
from imbalkit.randomness import derive_seed, generator
from imbalkit.recipe import HeadSettings, TrainingSettings
from imbalkit.schedules import build_optimizer, build_schedule
from imbalkit.stores import ImageStore

Figures = dict[str, Any]
CHECK_EVERY = 16  # steps between looks at the losses: each look waits for the device


@dataclass
class Trainer:
    """What every training of a run shares."""

    fabric: Fabric
    images: ImageStore
    settings: TrainingSettings
    head: HeadSettings
    augment: list[Augmentation]
    seed: int
    positive: int | None
    folder: Path  # of the checkpoints
    progress: Progress
    epoch_finished: Callable[[str, int, Figures], None] = field(default=lambda stage, epoch, figures: None)
    names: Callable[[np.ndarray], list[str]] = field(default=lambda sources: [f"sample {i}" for i in sources])

    def context(self, plan: Plan, stage: str) -> BuildContext:
        """What a part may know when it is built for a stage."""
        height, width, channels = self.images.shape
        return BuildContext(
            classes=plan.classes,
            counts=plan.counts(),
            positive=self.positive,
            image_size=(height, width),
            channels=channels,
            seed=derive_seed(self.seed, "weights", stage),
        )

    def fit(
        self,
        stage: str,
        plan: Plan,
        backbone: Backbone,
        loss: Loss,
        epochs: int,
        validate: Callable[[Classifier], Figures] | None = None,
        start: dict[str, Any] | None = None,
    ) -> Classifier:
        """Train a model on a plan; goes on from the stage's checkpoint if there is one.

        Args:
            stage: name of this training; its seeds and its checkpoint derive from it
            plan: rows to train on, each seen once an epoch
            backbone, loss: parts to build
            epochs: passes over the plan
            validate: called after each epoch; its figures choose the epoch to keep and stop training early
            start: weights to start from (default: fresh)

        Returns:
            the model with the weights of the chosen epoch (the last one without `validate`)

        Raises:
            TrainingError: a loss that is not finite; fewer rows than devices
        """
        run = _Fit.build(self, stage, plan, backbone, loss, epochs, start)
        checkpoint = self.folder / f"{stage}.pt"
        if checkpoint.exists():
            run.load(load_checkpoint(checkpoint))
        self.progress.stage(stage, epochs, run.epoch)
        while run.epoch < epochs and not run.stopped:
            run.model.freeze_body(run.epoch < self.settings.freeze_epochs)
            figures = run.train_epoch()
            if validate is not None:
                figures["validation"] = validate(run.evaluated)
            run.epoch_done(figures)
            if self.fabric.is_global_zero:
                save_checkpoint(checkpoint, run.state())
                self.epoch_finished(stage, run.epoch, figures)
            self.fabric.barrier()
            self.progress.epoch(run.epoch, figures)
        return run.chosen()

    @torch.no_grad()
    def predict(self, model: Classifier, plan: Plan, score: Callable[..., torch.Tensor] | None = None) -> np.ndarray:
        """Logits of every row, float32 [n, C], in eval mode; or `score(logits, labels)`, float32 [n]. Shared by the devices."""
        fabric = self.fabric
        model.eval()
        own = np.arange(len(plan))[fabric.global_rank :: fabric.world_size]
        result: torch.Tensor | None = None
        if len(own):
            for batch in read_ahead(plan, self.images, partition(own, self.settings.batch_size), pin=self._pin):
                images, labels = batch.render(fabric.device)
                with fabric.autocast():
                    logits = model(images).float()
                part = logits if score is None else score(logits, labels).float()
                if result is None:
                    result = torch.zeros((len(plan), *part.shape[1:]), device=fabric.device)
                result[torch.from_numpy(batch.rows).to(fabric.device)] = part
        if result is None:
            result = torch.zeros((len(plan),) if score else (len(plan), len(plan.classes)), device=fabric.device)
        if fabric.world_size > 1:
            # Every row is zero everywhere but on one process, so that the sum is exact.
            result = fabric.all_reduce(result, reduce_op="sum")
        return result.cpu().numpy()

    @property
    def _pin(self) -> bool:
        return self.fabric.device.type == "cuda"


@dataclass
class _Fit:
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
    ) -> _Fit:
        fabric, settings = trainer.fabric, trainer.settings
        if min(len(plan), settings.batch_size) < fabric.world_size:
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
        windows = [
            [
                part
                for part in np.array_split(batch[fabric.global_rank :: fabric.world_size], settings.accumulate)
                if len(part)
            ]
            for batch in batches
        ]
        reader = read_ahead(
            self.plan, trainer.images, [part for window in windows for part in window], pin=trainer._pin
        )
        tally = _Tally(len(self.plan.classes), fabric.device)
        pending: list[tuple[int, torch.Tensor]] = []
        started = time.perf_counter()
        self.model.train()
        self.loss.train()
        try:
            for index, (batch, window) in enumerate(zip(batches, windows, strict=True)):
                step_loss = self.train_step([next(reader) for _ in window], len(batch), tally)
                pending.append((index, step_loss))
                if len(pending) == CHECK_EVERY or index == len(batches) - 1:
                    self._check_finite(pending, windows, len(batches))
                    pending = []
                trainer.progress.batch(index + 1, len(batches))
        finally:
            reader.close()
        if hasattr(self.loss, "epoch_finished"):
            self.loss.epoch_finished()
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

    def train_step(self, window: list[Batch], rows: int, tally: _Tally) -> torch.Tensor:
        """One optimiser step over a batch of `rows` rows (of all devices), in the parts of `window`; returns its mean loss."""
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
        if counts:
            self.loss.update(self._all_devices(counted) if whole is None else whole)
        if settings.clip is not None:
            fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=settings.clip, error_if_nonfinite=False)
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
            f"made from {listing(self.trainer.names(sources), 8)}. Try a smaller training.optimizer.lr, or training.clip."
        )

    # --- choice of an epoch, and checkpoints -----------------------------------------------------------------------

    def epoch_done(self, figures: Figures) -> None:
        """Note the epoch, and whether it is the best or the last one."""
        self.epoch += 1
        settings = self.trainer.settings
        if settings.select == "last" or "validation" not in figures:
            return
        value = _selection(figures["validation"], settings.select)
        minimum = settings.early_stopping.minimum if settings.early_stopping else 0.0
        if value is not None and (self.best is None or value > self.best + minimum):
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
        for name in ("epoch", "steps", "best", "best_epoch", "best_weights", "stopped"):
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


def _selection(validation: Figures, select: str) -> float | None:
    value = validation.get(select)
    if isinstance(value, dict):
        values = [figure for figure in value.values() if figure is not None]
        value = min(values) if values else None
    return value


class _Tally:
    """Loss and per-class recall of an epoch, summed on the device."""

    def __init__(self, classes: int, device: torch.device):
        self.loss = torch.zeros((), device=device, dtype=torch.float64 if device.type != "mps" else torch.float32)
        self.rows = torch.zeros(2, classes, device=device)  # rows, hits of each class

    def add(self, logits: torch.Tensor, labels: torch.Tensor, loss: torch.Tensor) -> None:
        hits = (logits.argmax(1) == labels).float()
        self.rows[0].scatter_add_(0, labels, torch.ones_like(hits))
        self.rows[1].scatter_add_(0, labels, hits)
        self.loss += loss

    def figures(self, fabric: Fabric, classes: tuple[str, ...]) -> Figures:
        loss, rows = self.loss, self.rows
        if fabric.world_size > 1:
            loss, rows = fabric.all_reduce(loss, reduce_op="sum"), fabric.all_reduce(rows, reduce_op="sum")
        counts, hits = rows.tolist()
        recall = {name: hit / count if count else None for name, hit, count in zip(classes, hits, counts, strict=True)}
        return {"loss": float(loss) / max(1.0, sum(counts)), "train_recall": recall}
