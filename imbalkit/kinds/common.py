"""What parts of several kinds meet: what is known when one is built, the class prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from imbalkit.plan import Counts
    from imbalkit_lite.columns import ColumnEncoding

hookimpl = pluggy.HookimplMarker("imbalkit")  # marks a plugin's functions as implementations of hooks


@dataclass(frozen=True)
class BuildContext:
    """What a part may know when it is built."""

    classes: tuple[str, ...]
    counts: tuple[int, ...]  # training rows of each class in the current plan
    positive: int | None = None  # index of the positive class, None without one
    image_size: tuple[int, int] = (32, 32)  # height, width in px
    channels: int = 3
    seed: int = 0
    epochs: int = 1  # of the training
    logit_scale: float = 1.0  # of a normalised head: what its cosines are multiplied by
    columns: ColumnEncoding | None = None  # of the table, as the network takes them; None without


@dataclass(frozen=True)
class PriorShift:
    """What a sampler or a loss does to the class prior that a model learns (imbalkit.decision.class_prior).

    Attributes:
        factors: how many times as much each class weighs afterwards, [C], up to a common factor; None if it is not known
        exact: whether that is all: images of a class stay as likely as they were within it, so that dividing the odds by the
            factors (after the map, if there is one) undoes the shift
        why: the reason, in a line
        adaptive: whether the weights follow the model while it learns
        map: of a loss that is least elsewhere than at the true probabilities: the plain values of which its `build_map` makes the
            map to them, undone before the factors; None: it is least there
    """

    factors: tuple[float, ...] | None
    exact: bool
    why: str
    adaptive: bool = False
    map: Mapping[str, Any] | None = None

    @classmethod
    def of_counts(cls, before: Counts, after: Counts, exact: bool, why: str) -> PriorShift:
        """The shift of a sampler: rows of each class after it / before it; 1 for a class without rows before."""
        known = before.is_exact and after.is_exact
        pairs = zip(before.low, after.low, strict=True)
        return cls(tuple(new / old if old else 1.0 for old, new in pairs) if known else None, exact, why)
