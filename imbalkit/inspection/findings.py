"""What `imbalkit init` finds in a new user's data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imbalkit.inspection.finer_labels import FinerLabels
from imbalkit.kinds import Dataset

if TYPE_CHECKING:
    from imbalkit.kinds import Table


@dataclass
class Findings:
    """What was found.

    Attributes:
        part: the dataset part that reads the data
        table: what it reads
        labels, groups: columns that may hold the labels and the groups, the likeliest first (tables only)
        sizes: (height, width) in px of every readable image -> how many
        modes: Pillow's mode (RGB, L, ...) -> how many
        bits: how many bits the 16-bit grey pictures hold, None if it is 16 or there are none
        bad: unreadable files, (path, reason)
        hints: what a person should know
        group_pattern: that may tell the groups of an image folder
        asked_positive: the class that the user named, or that finer labels call for
        finer: columns that split the classes further (tables only)
    """

    part: Dataset
    table: Table
    labels: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    bits: int | None = None
    bad: list[tuple[str, str]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    group_pattern: str | None = None
    asked_positive: str | None = None
    finer: list[FinerLabels] = field(default_factory=list)

    @property
    def unit(self) -> str:
        """What the samples are, in a word."""
        return "images" if self.table.features is None else "rows"

    @property
    def positive(self) -> str | None:
        """The class that the user named, else the finding against the rest, else the smaller class of two."""
        if self.asked_positive is not None:
            return self.asked_positive
        if getattr(self.part, "finding", None) in self.table.classes:
            return self.part.finding  # type: ignore[attr-defined]
        counts = self.table.counts()
        return self.table.classes[counts.index(min(counts))] if len(counts) == 2 else None

    @property
    def image_size(self) -> int:
        """A side to start with: the median image's shorter side, at most 128, a multiple of 32 from there on."""
        sides = sorted(min(size) for size in self.sizes.elements())
        side = min(128, sides[len(sides) // 2])
        return side if side < 32 else side // 32 * 32


def data_set(name: str, **parameters: Any) -> Dataset:
    """An installed data set part by name. Raises PluginError where it is not installed."""
    from imbalkit.catalogue import default_catalogue

    part = default_catalogue().get("dataset", name)(**parameters)
    assert isinstance(part, Dataset)
    return part
