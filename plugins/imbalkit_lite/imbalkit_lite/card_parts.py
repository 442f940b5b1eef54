"""The parts of a card: input tensor, normalisation, probabilities, abstention and origin; each checks its values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from imbalkit_lite.checks import check_choice, check_count, check_text, is_list, number, numbers
from imbalkit_lite.errors import CardError

LAYOUTS = ("NHWC", "NCHW")
TYPES = {"float32": ((0, 1), (0, 255)), "uint8": ((0, 255),)}  # -> the ranges that it may have


def set_field(instance: Any, name: str, value: Any) -> None:
    """Set a field in `__post_init__` of a frozen class."""
    object.__setattr__(instance, name, value)


@dataclass(frozen=True)
class Input:
    """The input tensor of one image.

    Attributes:
        height, width: in px
        channels: 3 (RGB) or 1 (grey)
        layout: NHWC | NCHW
        type: float32 | uint8
        range: smallest and largest value: (0, 1) or (0, 255)
    """

    height: int
    width: int
    channels: int = 3
    layout: str = "NHWC"
    type: str = "float32"
    range: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels"):
            check_count(getattr(self, name), f"input.{name}")
        check_choice(self.layout, LAYOUTS, "input.layout")
        check_choice(self.type, tuple(TYPES), "input.type")
        found = tuple(self.range) if is_list(self.range) else self.range
        if found not in TYPES[self.type]:
            known = " or ".join(str(list(known)) for known in TYPES[self.type])
            raise CardError(f"input.range: expected {known} for {self.type}, got {self.range!r}")
        set_field(self, "range", (int(found[0]), int(found[1])))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one image in the tensor's own order of axes."""
        size = (self.height, self.width)
        return (*size, self.channels) if self.layout == "NHWC" else (self.channels, *size)


@dataclass(frozen=True)
class Normalisation:
    """What the graph itself subtracts and divides by, for each channel, of values in 0..1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        set_field(self, "mean", numbers(self.mean, "normalisation.mean"))
        set_field(self, "std", numbers(self.std, "normalisation.std", least=0, open_below=True))


@dataclass(frozen=True)
class Probabilities:
    """What the graph does to the network's outputs: their class prior (in words), and the calibrator's name."""

    prior: str
    calibrator: str | None = None

    def __post_init__(self) -> None:
        check_text(self.prior, "probabilities.prior")
        check_text(self.calibrator, "probabilities.calibrator", none=True)


@dataclass(frozen=True)
class Abstain:
    """When the model abstains; one of three rules.

    Attributes:
        band: (low, high): where the positive class's probability p has low <= p < high
        least_confidence: where the largest probability is below it
        expected_cost: where the least expected cost (of the card's `costs`) is above it
    """

    band: tuple[float, float] | None = None
    least_confidence: float | None = None
    expected_cost: float | None = None

    def __post_init__(self) -> None:
        stated = [each.name for each in fields(self) if getattr(self, each.name) is not None]
        if len(stated) != 1:
            known = " or ".join(each.name for each in fields(self))
            raise CardError(f"abstain: expected either {known}, got {' and '.join(stated) or 'none of them'}")
        if self.band is not None:
            set_field(self, "band", numbers(self.band, "abstain.band", least=0, most=1))
            if len(self.band) != 2 or self.band[0] > self.band[1]:
                raise CardError(f"abstain.band: expected [low, high] with low <= high, got {list(self.band)}")
        elif self.least_confidence is not None:
            set_field(self, "least_confidence", number(self.least_confidence, "abstain.least_confidence", 0, 1))
        else:
            set_field(self, "expected_cost", number(self.expected_cost, "abstain.expected_cost", 0))


@dataclass(frozen=True)
class Origin:
    """The run that the file was exported from; None for what is not known."""

    recipe_hash: str | None = None
    weights_sha256: str | None = None
    imbalkit: str | None = None  # version
    created: str | None = None  # ISO 8601, UTC

    def __post_init__(self) -> None:
        for each in fields(self):
            check_text(getattr(self, each.name), f"run.{each.name}", none=True)
