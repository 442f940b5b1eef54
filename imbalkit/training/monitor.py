"""The choice of an epoch by a metric on validation, and early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from imbalkit.recipe.recipe import TrainingSettings


@dataclass
class Monitor:
    """The best epoch of a training so far; epochs in which the metric is not defined do not count."""

    settings: TrainingSettings
    higher_is_better: bool
    best: float | None = None  # the monitored metric, larger for better
    best_epoch: int = 0
    best_weights: dict[str, torch.Tensor] | None = None
    improved: float | None = None  # the metric when it last improved by more than early_stopping.min_delta
    improved_epoch: int = 0
    stopped: bool = False

    def update(self, epoch: int, validation: Mapping[str, Any], model: nn.Module) -> None:
        """Look at an epoch's metrics on validation; keep the model's weights if none was better before."""
        value = _monitored(validation, self.settings.monitor, self.higher_is_better)
        if value is None:
            return
        if self.best is None or value > self.best:
            self.best, self.best_epoch = value, epoch
            self.best_weights = {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}
        stopping = self.settings.early_stopping
        if stopping is None:
            return
        if self.improved is None or value > self.improved + stopping.min_delta:
            self.improved, self.improved_epoch = value, epoch
        self.stopped = epoch - self.improved_epoch >= stopping.patience

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {name: getattr(self, name) for name in _STATE}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from `state()`."""
        for name in _STATE:
            setattr(self, name, state[name])


_STATE = ("best", "best_epoch", "best_weights", "improved", "improved_epoch", "stopped")


def _monitored(validation: Mapping[str, Any], monitor: str, higher: bool) -> float | None:
    """The monitored metric, larger for better; of one with a value a class, the worst. None where it is not defined."""
    value = validation.get(monitor)
    values = [item for item in (value.values() if isinstance(value, dict) else [value]) if item is not None]
    if not values:
        return None
    return min(values) if higher else -max(values)
