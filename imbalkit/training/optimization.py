"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import nn

from imbalkit.errors import TrainingError
from imbalkit.recipe.recipe import OptimizerSettings, ScheduleSettings
from imbalkit.recipe.runtime_checks import ADAMW
from imbalkit.training.layer_decay import layer_decay_groups


class Schedule(Protocol):
    """Sets the learning rate after each optimiser step."""

    def step(self, done: int) -> None:
        """After `done` optimiser steps."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def build_optimizer(model: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """An optimiser by timm's name. Raises TrainingError for options that it does not take."""
    by_layer = None
    if settings.layer_decay is not None:
        by_layer = layer_decay_groups(model, settings.layer_decay, settings.weight_decay)
    if settings.name == ADAMW and not settings.options:
        groups = by_layer or _parameter_groups(model, settings.weight_decay)
        return torch.optim.AdamW(groups, lr=settings.lr, weight_decay=0.0)
    from timm.optim import create_optimizer_v2

    try:
        return create_optimizer_v2(
            by_layer or model, opt=settings.name, lr=settings.lr, weight_decay=settings.weight_decay, **settings.options
        )
    except (TypeError, ValueError) as error:
        raise TrainingError(
            f"training.optimizer.options: {settings.name} does not take {settings.options}: {error}"
        ) from error


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """As timm's `param_groups_weight_decay`: biases and normalisation do not decay."""
    exempt: list[nn.Parameter] = []
    decaying: list[nn.Parameter] = []
    for name, value in model.named_parameters():
        if value.requires_grad:
            is_exempt = not weight_decay or value.ndim <= 1 or name.endswith(".bias")
            (exempt if is_exempt else decaying).append(value)
    groups = [{"params": exempt, "weight_decay": 0.0}, {"params": decaying, "weight_decay": weight_decay}]
    return [group for group in groups if group["params"]]


def build_schedule(
    optimizer: torch.optim.Optimizer, settings: ScheduleSettings, parts: Sequence[tuple[int, int]]
) -> Schedule:
    """A schedule over a training.

    Args:
        optimizer: of the training
        settings: of the recipe
        parts: epochs, and optimiser steps in each of them, of the training's parts in order: a deferred order may have more

    Raises:
        TrainingError: options that timm's schedule does not take
    """
    if settings.name == "one_cycle":
        peaks, steps = _scaled_rates(optimizer), sum(epochs * per_epoch for epochs, per_epoch in parts)
        # Momentum stays: the paper and timm's optimisers without betas know only the learning rate's cycle.
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=peaks, total_steps=max(steps, 1) + 1, pct_start=settings.warmup, cycle_momentum=False
        )
        return _Torch(cycle)
    if settings.name == "constant":
        for group, rate in zip(optimizer.param_groups, _scaled_rates(optimizer), strict=True):
            group["lr"] = rate
        return _Torch(torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0))
    from timm.scheduler import create_scheduler_v2

    ticks = math.lcm(*(per_epoch for _, per_epoch in parts))  # of an epoch, the same number in each
    if settings.name == "multistep":
        ticks *= 2  # its milestones come a tick early in timm, and are to come with their step
    try:
        schedule, _ = create_scheduler_v2(
            optimizer,
            sched=settings.name,
            num_epochs=sum(epochs for epochs, _ in parts),
            step_on_epochs=False,
            updates_per_epoch=ticks,
            **settings.options,
        )
        return _Timm(schedule, ticks, parts)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise TrainingError(
            f"training.schedule.options: {settings.name} does not take {settings.options}: {error}"
        ) from error


def _scaled_rates(optimizer: torch.optim.Optimizer) -> list[float]:
    """The learning rate of each group; timm's schedules know of `lr_scale` themselves."""
    return [group["lr"] * group.get("lr_scale", 1.0) for group in optimizer.param_groups]


class _Torch:
    def __init__(self, schedule: torch.optim.lr_scheduler.LRScheduler):
        self.schedule = schedule

    def step(self, done: int) -> None:
        self.schedule.step()

    def state_dict(self) -> dict[str, Any]:
        return self.schedule.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.schedule.load_state_dict(state)


class _Timm:
    """A schedule of timm's, a function of the time alone: `ticks` an epoch, however many steps that has."""

    def __init__(self, schedule: Any, ticks: int, parts: Sequence[tuple[int, int]]):
        self.schedule, self.ticks, self.parts = schedule, ticks, parts
        self.step(0)

    def step(self, done: int) -> None:
        time = 0
        for epochs, per_epoch in self.parts:
            steps = min(done, epochs * per_epoch)
            time, done = time + steps * (self.ticks // per_epoch), done - steps
        self.schedule.step_update(time)

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing: the learning rates are the optimiser's."""
