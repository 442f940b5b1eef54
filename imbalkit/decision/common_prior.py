"""One class prior for the probabilities of several models, without which their mean is for none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from imbalkit.decision.corrections import PREVALENCE, PRIOR, loss_map, offset
from imbalkit.decision.decision import Decision
from imbalkit.kinds import Loss

ALIKE = 1.1  # shares of a class whose ratio is at most this are those of one prior: folds differ by a row


@dataclass(frozen=True)
class Trained:
    """What is known of a model's probabilities.

    Attributes:
        name: of the model
        decision: as it was fitted
        prior: what metrics.json says of the class prior (`Ledger.to_json`); None in older runs
        losses: those of its recipe, for the map of one of them
        refitted: whether its calibrator has brought the probabilities to the prior of the validation rows
    """

    name: str
    decision: Decision
    prior: Mapping[str, Any] | None
    losses: Sequence[Loss] = ()
    refitted: bool = False

    @property
    def as_trained(self) -> bool:
        """Whether the probabilities are, or may be, for another class prior than that of the data."""
        shifted = self.prior is None or self.prior["shifted"]
        return self.decision.prior == "as_trained" and shifted and not self.refitted

    @property
    def effective(self) -> np.ndarray | None:
        """The class prior that it learnt, float64 [C]; None if not known."""
        found = None if self.prior is None else self.prior["effective"]
        return None if found is None else np.array(list(found.values()))

    @property
    def stages(self) -> list[str]:
        """The parts that shift the prior."""
        return [entry["stage"] for entry in (self.prior or {}).get("entries", ())]


def share_a_shift(models: Sequence[Trained]) -> bool:
    """Whether all are for the class prior of their training, and that is one: the same parts, and shares that are alike."""
    first, *others = models
    if not all(model.as_trained for model in models) or any(model.stages != first.stages for model in others):
        return False
    if any((model.effective is None) != (first.effective is None) for model in others):
        return False
    return all(first.effective is None or alike(first.effective, model.effective) for model in others)


def alike(prior: np.ndarray, other: np.ndarray | None) -> bool:
    """Whether two class priors [C] are one, as near as makes no difference to a mean."""
    if other is None:
        return False
    least, most = np.minimum(prior, other), np.maximum(prior, other)
    return bool((most <= ALIKE * least + 1e-12).all())


def without_prevalence(decision: Decision) -> Decision:
    """The decision before its probabilities are moved to a stated prevalence, which is done to a mean at its end."""
    return replace(decision, corrections=tuple(step for step in decision.corrections if step.stage != PREVALENCE))


def at_data_prior(model: Trained) -> Decision | None:
    """The decision with corrections that end at the class prior of the data; None where training's cannot be worked out.

    A decision that restored it stays as it is. Of one that did not, an exact ledger says the steps: the map of the loss, the
    calibrator as it was fitted, then the offset from the prior of training.
    """
    decision = without_prevalence(model.decision)
    if not model.as_trained:
        return decision
    effective = model.effective
    if model.prior is None or not model.prior["exact"] or effective is None:
        return None
    maps = list(_maps(model.prior["entries"], model.losses))
    if None in maps or (maps and decision.corrections):  # a calibrator that was fitted on what the loss is least at
        return None
    data = np.array(list(model.prior["data"].values()))
    steps = (*(step for step in maps if step), *decision.corrections)
    if not np.allclose(effective, data):
        steps = (*steps, offset(PRIOR, effective, data))
    return replace(decision, corrections=steps, prior="data")


def _maps(entries: Iterable[Mapping[str, Any]], losses: Sequence[Loss]) -> Iterable[Any]:
    """The map of each entry that has one; None for one whose loss is not among `losses`."""
    for entry in entries:
        if entry.get("map") is not None:
            loss = next((loss for loss in losses if entry["stage"].endswith(f"loss {loss.name}")), None)
            yield None if loss is None else loss_map(loss, entry["map"])
