"""The ledger of what shifts the class prior between the data and what a model learns: each sampler, then the loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from imbalkit.errors import listing
from imbalkit.functional.prior import shares
from imbalkit.kinds import Loss, PriorShift

SPLIT = "split"
_OVERSHOOT = 1.05  # a class this many times as heavy as the largest one is more than balance


@dataclass(frozen=True)
class Entry:
    """What one part does: its stage ("samplers[0] oversample", "loss rce") and its shift; the loss where that has a map."""

    stage: str
    shift: PriorShift
    loss: Loss | None = None

    def to_json(self) -> dict[str, Any]:
        shift = self.shift
        factors = None if shift.factors is None else list(shift.factors)
        found = {"stage": self.stage, "factors": factors, "exact": shift.exact, "why": shift.why}
        return found if shift.map is None else {**found, "map": dict(shift.map)}


@dataclass(frozen=True)
class Ledger:
    """Everything that shifts the class prior, from the data to the loss.

    Attributes:
        classes: class names
        rows: training rows of each class before any sampler
        entries: a part each, in order
        held_out: validation rows of each class, where a given split gave them other shares than the training rows
    """

    classes: tuple[str, ...]
    rows: tuple[int, ...]
    entries: tuple[Entry, ...]
    held_out: tuple[int, ...] | None = None

    @cached_property
    def data(self) -> np.ndarray:
        """The prior of the data, float64 [C]: that of the training rows before any sampler, or of held-out rows that differ."""
        return shares(self.rows if self.held_out is None else self.held_out)

    @cached_property
    def factors(self) -> np.ndarray | None:
        """How many times as much each class weighs in training as in the data, float64 [C]; None where a part does not know."""
        result = np.ones(len(self.classes))
        for entry in self.entries:
            if entry.shift.factors is None:
                return None
            result = result * entry.shift.factors
        return result

    @property
    def effective(self) -> np.ndarray | None:
        """The prior that the model learns, float64 [C], as far as the factors are all there is to it; None if not known."""
        return None if self.factors is None else shares(self.data * self.factors)

    @property
    def exact(self) -> bool:
        """Whether the map and dividing the odds by the factors undo every shift; not where a class was left with no weight."""
        factors = self.factors
        return factors is not None and all(entry.shift.exact for entry in self.entries) and bool(np.all(factors > 0))

    @property
    def map(self) -> tuple[Loss, Mapping[str, Any]] | None:
        """A loss that is least elsewhere than at the true probabilities, and the values of its map to them; None without one."""
        maps = [(each.loss, each.shift.map) for each in self.entries if each.loss and each.shift.map is not None]
        return maps[-1] if maps else None

    @property
    def is_weighted(self) -> bool:
        """Whether the factors differ from class to class, or may do so."""
        factors = self.factors
        return factors is None or not np.allclose(factors, factors[0])

    @property
    def is_shifted(self) -> bool:
        """Whether the probabilities that the model learns are not those of the data, or may not be."""
        return self.is_weighted or not self.exact or self.map is not None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Parts that correct the same imbalance twice: together past balance, or one of them by itself as it learns."""
        largest = int(np.argmax(self.rows))
        found: dict[str, list[str]] = {}  # text -> classes
        for label, name in enumerate(self.classes):
            if not 0 < self.rows[label] < self.rows[largest]:
                continue
            raising = [e for e in self.entries if e.stage != SPLIT and _raises(e.shift, label, largest)]
            if len(raising) < 2:
                continue
            stages = " and ".join(entry.stage for entry in raising)
            adaptive = [entry.stage for entry in raising if entry.shift.adaptive]
            if adaptive:
                text = (
                    f"{stages} correct the same imbalance ({listing(adaptive)} by what is missed of a class, on top of the "
                    "rows): how far together is known after training only; compare with ce, and restore the prior before "
                    "reading probabilities"
                )
            elif self.effective is None or self.effective[label] <= _OVERSHOOT * self.effective[largest]:
                continue
            else:
                text = f"{stages} correct the same imbalance twice, past balance"
            found.setdefault(text, []).append(name)
        return tuple(f"{listing(names, 6)}: {text}{self._from_to(names)}" for text, names in found.items())

    def _from_to(self, names: Sequence[str]) -> str:
        if self.effective is None or len(names) > 1:
            return ""
        label, largest = self.classes.index(names[0]), int(np.argmax(self.rows))
        before, after = self.rows[label] / self.rows[largest], self.effective[label] / self.effective[largest]
        return f" ({before:.3g} rows for each of {self.classes[largest]} before, {after:.3g} after)"

    def to_json(self) -> dict[str, Any]:
        """Shares by class name, entries and warnings."""

        def named(values: np.ndarray | None) -> dict[str, float] | None:
            return None if values is None else dict(zip(self.classes, map(float, values), strict=True))

        return {
            "data": named(self.data),
            "effective": named(self.effective),
            "exact": self.exact,
            "shifted": self.is_shifted,
            "entries": [entry.to_json() for entry in self.entries],
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], losses: Iterable[Loss]) -> Ledger:
        """The ledger that a run's metrics.json holds, with the shares of the data for its rows; `losses` are its recipe's."""
        by_name, entries = {loss.name: loss for loss in losses}, []
        for entry in facts["entries"]:
            factors = None if entry["factors"] is None else tuple(entry["factors"])
            shift = PriorShift(factors, entry["exact"], entry["why"], map=entry.get("map"))
            entries.append(Entry(entry["stage"], shift, by_name.get(entry["stage"].rpartition("loss ")[2])))
        return cls(tuple(facts["data"]), tuple(facts["data"].values()), tuple(entries))


def _raises(shift: PriorShift, label: int, largest: int) -> bool:
    if shift.adaptive:
        return True
    return shift.factors is not None and shift.factors[label] > shift.factors[largest] * (1 + 1e-9)
