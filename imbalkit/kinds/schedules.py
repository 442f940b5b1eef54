"""The learning rate from step to step."""

from __future__ import annotations

from typing import Any

from imbalkit.base.parameters import Settings, param


class ScheduleSettings(Settings):
    """A learning-rate schedule."""

    name: str = param("one_cycle", help="one_cycle, constant, or any schedule that timm knows")
    warmup: float = param(0.3, help="share of the steps until a one-cycle schedule peaks", gt=0, lt=1)
    options: dict[str, Any] = param({}, help="further arguments of timm's schedule, such as {warmup_epochs: 1}")

    @property
    def drops(self) -> list[float]:
        """Epochs at which a step schedule first lowers the learning rate; empty for others."""
        found = self.options.get({"step": "decay_epochs", "multistep": "decay_milestones"}.get(self.name, ""), [])
        return [float(epoch) for epoch in (found if isinstance(found, list) else [found])]
