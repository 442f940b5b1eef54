"""The learning rate from step to step."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.parameters import Settings, param
from imbalkit.errors import listing, nearest

_WARMUP = 0.3
_OURS = ("one_cycle", "constant")
_WARM = ("warmup_epochs", "warmup_lr", "warmup_prefix", "noise", "noise_pct", "noise_std", "noise_seed")
_CYCLE = ("min_lr", "cycle_mul", "cycle_decay", "cycle_limit")
_OPTIONS = {  # those that timm gives to each schedule; it leaves out others without a word
    "cosine": (*_CYCLE, "k_decay", *_WARM),
    "tanh": (*_CYCLE, *_WARM),
    "step": ("decay_epochs", "decay_rate", *_WARM),
    "multistep": ("decay_milestones", "decay_rate", *_WARM),
    "poly": ("decay_rate", *_CYCLE, "k_decay", *_WARM),
}
_TIMM_DROPS = {"step": [90.0], "multistep": [90.0, 180.0, 270.0]}  # where no option says otherwise


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

    @model_validator(mode="after")
    def _whose_options(self) -> ScheduleSettings:
        if self.options and self.name in _OURS:
            raise PydanticCustomError(
                "options_of_timm",
                f"`options` are of timm's schedules, and the schedule is {self.name!r}: name it, as in {{name: cosine, options: "
                "{warmup_epochs: 1}}",
            )
        taken = _OPTIONS.get(self.name, tuple(self.options))  # another name is refused elsewhere
        for name in self.options:
            if name not in taken:
                message = f"{self.name} does not take the option {name!r}{nearest(name, taken)} (options: {listing(taken, 30)})"
                raise PydanticCustomError("no_such_option", "{message}", {"message": message})
        return self

    def cautions(self, epochs: int) -> list[str]:
        """What a user should know of the schedule over so many epochs."""
        found, warmup = [], self.options.get("warmup_epochs", 0)
        if isinstance(warmup, int | float) and warmup >= epochs:
            found.append(
                f"schedule {self.name}: the learning rate warms up for {warmup:g} epochs, and there are {epochs}: it never "
                "reaches `lr`; warm up for fewer"
            )
        first = min(self.drops or _TIMM_DROPS.get(self.name, [0.0]))
        if first >= epochs:
            key = "decay_epochs: N" if self.name == "step" else "decay_milestones: [N, ...]"
            found.append(
                f"schedule {self.name}: the learning rate first falls after {first:g} epochs, and there are {epochs}: it never "
                f"does; set `options: {{{key}}}`"
            )
        return found

    @property
    def drops(self) -> list[float]:
        """Epochs at which a step schedule first lowers the learning rate; empty for others."""
        found = self.options.get({"step": "decay_epochs", "multistep": "decay_milestones"}.get(self.name, ""), [])
        return [float(epoch) for epoch in (found if isinstance(found, list) else [found])]
