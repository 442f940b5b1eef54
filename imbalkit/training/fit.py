"""One training: its moving parts, an epoch, an optimiser step, and what a checkpoint holds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from imbalkit.base.randomness import derive_seed, generator
from imbalkit.errors import TrainingError, listing
from imbalkit.kinds import Draws, Mixer
from imbalkit.plan import Plan
from imbalkit.training.batch_gradient import BatchGradient, kept_buffers, same_draws
from imbalkit.training.batches import partition
from imbalkit.training.checked_modules import Scores, build_augmentation, build_loss, build_mixer
from imbalkit.training.classifier import Classifier
from imbalkit.training.epoch_metrics import EpochMetrics, EpochValues
from imbalkit.training.features import HeadNetwork
from imbalkit.training.mixing import Part, Rows, Streams
from imbalkit.training.monitor import Monitor
from imbalkit.training.optimization import Schedule, build_optimizer, build_schedule
from imbalkit.training.phase import Phase
from imbalkit.training.sam import ascended
from imbalkit.training.session import TrainingSession

Network = Classifier | HeadNetwork  # on images, or on the features that a frozen body gave
CHECK_EVERY = 16  # steps between looks at the losses: each look waits for the device


@dataclass
class Fit:
    """One training: its moving parts and how far it is."""

    session: TrainingSession
    stage: str
    plan: Plan
    model: Network  # the network itself
    wrapped: Any  # the same network as Fabric runs it
    average: Any  # its exponential moving average, or None
    phases: Sequence[Phase]  # by their first epochs
    losses: list[Any]  # a module each; one that counts has `statistics`, `update` and `needs_statistics`, too
    teachers: list[torch.Tensor | None]  # of each phase, float32 [rows of the plan, C]
    mixer: Mixer | None
    mixing: Any  # the mixer's module
    optimizer: Any
    schedule: Schedule
    augment: nn.Module
    epochs: int
    monitor: Monitor
    score: Scores | None = None  # of every row in the last epoch
    scores: torch.Tensor | None = None  # float32 [n] on the host, once the last epoch is finished
    epoch: int = 0
    steps: int = 0

    @classmethod
    def build(
        cls,
        session: TrainingSession,
        stage: str,
        plan: Plan,
        model: Network,
        phases: Sequence[Phase],
        epochs: int,
        score: Scores | None = None,
        mixer: Mixer | None = None,
    ) -> Fit:
        """A training that is about to begin; arguments as `Trainer.fit_network`.

        Raises TrainingError for fewer rows than devices.
        """
        fabric, settings = session.fabric, session.settings
        visited = [phase.epoch_rows(plan) for phase in phases]  # rows an epoch
        if min(visited) // max(1, -(-min(visited) // settings.batch_size)) < fabric.world_size:
            raise TrainingError(
                f"{min(visited)} rows in batches of {settings.batch_size} cannot be shared by {fabric.world_size} devices"
            )
        context = session.context(plan, stage, epochs)
        if fabric.world_size > 1 and fabric.device.type == "cuda":
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
        optimizer = build_optimizer(model, settings.optimizer)
        ends = [phase.first_epoch for phase in phases[1:]] + [epochs]
        parts = [
            (end - phase.first_epoch, -(-rows // settings.batch_size))
            for phase, rows, end in zip(phases, visited, ends, strict=True)
        ]
        schedule = build_schedule(optimizer, settings.schedule, parts)
        average = None
        if settings.ema is not None:
            from timm.utils import ModelEmaV3

            average = ModelEmaV3(model, decay=settings.ema, use_warmup=True)
        wrapped, optimizer = fabric.setup(
            cast(nn.Module, torch.compile(model)) if settings.compile else model, optimizer
        )
        modules = [build_augmentation(part, context) for part in session.augment]
        return cls(
            session=session,
            stage=stage,
            plan=plan,
            model=model,
            wrapped=wrapped,
            average=average,
            phases=phases,
            losses=[build_loss(phase.loss, context).to(fabric.device) for phase in phases],
            teachers=[
                None if phase.teacher is None else torch.from_numpy(phase.teacher[plan.source]).to(fabric.device)
                for phase in phases
            ],
            mixer=mixer,
            mixing=None if mixer is None else build_mixer(mixer, context).to(fabric.device),
            optimizer=optimizer,
            schedule=schedule,
            augment=nn.Sequential(*modules).to(fabric.device),
            epochs=epochs,
            monitor=Monitor(settings, session.higher_is_better),
            score=score,
        )

    @property
    def evaluated(self) -> Network:
        """The network that is evaluated and saved."""
        return self.average.module if self.average is not None else self.model

    @property
    def phase(self) -> int:
        """Index of the phase that the present epoch is in."""
        return max(index for index, phase in enumerate(self.phases) if phase.first_epoch <= self.epoch)

    @property
    def loss(self) -> Any:
        """The loss of the present epoch."""
        return self.losses[self.phase]

    # --- one epoch -------------------------------------------------------------------------------------------------

    def train_epoch(self) -> EpochValues:
        """One epoch; every row that it visits is used on one device."""
        session, fabric = self.session, self.session.fabric
        torch.manual_seed(derive_seed(session.seed, "epoch", self.stage, self.epoch, fabric.global_rank))
        order = self.phases[self.phase].rows(self.plan, self.epoch, self.epochs, self._draws("order"))
        batches = partition(order, session.settings.batch_size)
        windows = [self._window(batch) for batch in batches]
        streams = self._streams(order, windows)
        reader = session.read(self.plan, streams.parts)
        metrics = EpochMetrics(len(self.plan.classes), fabric.device)
        scored = self.score is not None and self.epoch + 1 == self.epochs
        scores = torch.zeros(len(self.plan), device=fabric.device) if scored else None
        pending: list[tuple[int, torch.Tensor]] = []
        started = time.perf_counter()
        self.model.train()
        self.loss.train()
        if hasattr(self.loss, "epoch_started"):
            self.loss.epoch_started(self.epoch)
        try:
            for index, (batch, window) in enumerate(zip(batches, windows, strict=True)):
                step_loss = self.train_step([streams.take(reader) for _ in window], len(batch), metrics, scores)
                pending.append((index, step_loss))
                if len(pending) == CHECK_EVERY or index == len(batches) - 1:
                    self._check_finite(pending, windows, len(batches))
                    pending = []
                session.progress.batch(index + 1, len(batches))
        finally:
            reader.close()
        if hasattr(self.loss, "epoch_finished"):
            self.loss.epoch_finished()
        if scores is not None:
            self.scores = session.sum_devices(scores).cpu()  # every row is zero everywhere but on one device
        seconds = time.perf_counter() - started
        values: EpochValues = {
            "stage": self.stage,
            "epoch": self.epoch + 1,
            **metrics.values(session, self.plan.classes),
            "lr": max(group["lr"] for group in self.optimizer.param_groups),  # with layer_decay that of the head
            "seconds": round(seconds, 3),
            "rows_per_second": round(len(order) / seconds, 1),
        }
        if hasattr(self.loss, "class_weights"):
            weights = self.loss.class_weights().tolist()
            values["class_weights"] = dict(zip(self.plan.classes, weights, strict=True))
        return values

    def _draws(self, purpose: str) -> Draws:
        return partial(generator, self.session.seed, purpose, self.stage)

    def _streams(self, order: np.ndarray, windows: Sequence[Sequence[np.ndarray]]) -> Streams:
        """The parts to read of this device's rows, with those of their partners where the mixer has an order for them."""
        parts = [part for window in windows for part in window]
        if self.mixer is None or not self.mixer.mixes(self.epoch, self.epochs):
            return Streams(parts)
        rng = partial(self._draws("mixer"), self.epoch, self.session.fabric.global_rank)
        if self.mixer.partners is None:
            return Streams(parts, rng)
        partners = self.mixer.partners.rows(self.plan, self.epoch, self.epochs, self._draws("partners"))
        # Row by row: the partner of the k-th row of the epoch, whatever device or part it is in.
        cut = [
            self._window(batch)
            for batch in partition(np.resize(partners, len(order)), self.session.settings.batch_size)
        ]
        return Streams(parts, rng, [part for window in cut for part in window])

    def _window(self, batch: np.ndarray) -> list[np.ndarray]:
        """This device's rows of a batch, in the parts to accumulate: as many on every device, none of them empty."""
        fabric = self.session.fabric
        parts = max(1, min(self.session.settings.micro_batches, len(batch) // fabric.world_size))
        return np.array_split(batch[fabric.global_rank :: fabric.world_size], parts)

    def train_step(
        self, window: list[Part], rows: int, metrics: EpochMetrics, scores: torch.Tensor | None = None
    ) -> torch.Tensor:
        """One optimiser step over a batch of `rows` rows (of all devices), in the parts of `window`; returns its mean loss.

        The scores of its rows are put into `scores`, float32 [rows of the plan], if it is given.
        """
        fabric, settings = self.session.fabric, self.session.settings
        by_row = self.phases[self.phase].loss.by_row
        gradient = BatchGradient(self.session, self.model, self.wrapped, self.loss, by_row, self._render)

        def seen(part: Part, logits: torch.Tensor, labels: torch.Tensor, loss: torch.Tensor) -> None:
            metrics.add(logits, labels, loss)
            if scores is not None and self.score is not None:
                places = torch.from_numpy(part.rows).to(fabric.device)
                scores[places] = self.score(logits, labels).float()

        if settings.sam is None:
            total, counted = gradient.add(window, rows, seen)
        else:
            # What is seen, counted and remembered is of the weights themselves.
            with same_draws(fabric.device):
                total, counted = gradient.add(window, rows, seen)
            with ascended(self.model.parameters(), settings.sam.radius), kept_buffers(self.model, self.loss):
                gradient.add(window, rows)
        if counted is not None:
            self.loss.update(counted)
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

    def _render(self, part: Part) -> Rows:
        return part.render(self.session.fabric.device, self.augment, self.mixing, self.teachers[self.phase])

    def _check_finite(self, pending: list[tuple[int, torch.Tensor]], windows: Any, batches: int) -> None:
        finite = torch.isfinite(torch.stack([loss for _, loss in pending])).tolist()
        if all(finite):
            return
        index, loss = pending[finite.index(False)]
        sources = self.plan.source[np.concatenate(windows[index])]
        raise TrainingError(
            f"the loss is {float(loss)} in {self.stage}, epoch {self.epoch + 1}, batch {index + 1} of {batches}; its rows are "
            f"made from {listing(self.session.sample_names(sources), 8)}. Try a smaller training.optimizer.lr, or "
            "training.gradient_clip_norm."
        )

    # --- choice of an epoch, and checkpoints -----------------------------------------------------------------------

    def epoch_done(self, values: EpochValues) -> None:
        """Count the epoch, and note the best one in its values."""
        self.epoch += 1
        if self.session.settings.monitor != "last" and "validation" in values:
            self.monitor.update(self.epoch, values["validation"], self.evaluated)
            values["best_epoch"] = self.monitor.best_epoch

    @property
    def is_done(self) -> bool:
        """Whether no epoch is left, or training stopped early."""
        return self.epoch >= self.epochs or self.monitor.stopped

    def chosen(self) -> Network:
        """The network with the weights of the chosen epoch."""
        if self.monitor.best_weights is not None:
            self.evaluated.load_state_dict(self.monitor.best_weights)
        self.evaluated.eval()
        return self.evaluated

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "losses": [loss.state_dict() for loss in self.losses],
            "scores": self.scores,
            "epoch": self.epoch,
            "steps": self.steps,
            **self.monitor.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.model.load_state_dict(state["model"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        for loss, saved in zip(self.losses, state["losses"], strict=True):
            loss.load_state_dict(saved)
        self.scores, self.epoch, self.steps = state["scores"], state["epoch"], state["steps"]
        self.monitor.load(state)
