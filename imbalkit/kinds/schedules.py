"""The learning rate from step to step."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.parameters import Settings, param

_WARMUP = 0.3


class ScheduleSettings(Settings):
    """A learning-rate schedule."""

    name: str = param("one_cycle", help="one_cycle, constant, or any schedule that timm knows")
    warmup: float = param(_WARMUP, help="share of the steps until a one-cycle schedule peaks", gt=0, lt=1)
    options: dict[str, Any] = param({}, help="further arguments of timm's schedule, such as {warmup_epochs: 1}")

    @model_validator(mode="after")
    def _whose_warmup(self) -> ScheduleSettings:
        if self.warmup == _WARMUP or self.name == "one_cycle":
            return self
        instead = "a constant rate has none" if self.name == "constant" else "write `options: {warmup_epochs: 1}`"
        raise PydanticCustomError(
            "warmup_of_one_cycle", f"`warmup` is of one_cycle alone, and the schedule is {self.name!r}: {instead}"
        )

    @property
    def drops(self) -> list[float]:
        """Epochs at which a step schedule first lowers the learning rate; empty for others."""
        found = self.options.get({"step": "decay_epochs", "multistep": "decay_milestones"}.get(self.name, ""), [])
        return [float(epoch) for epoch in (found if isinstance(found, list) else [found])]
