"""Corrections from a network's logits to the probabilities of a decision, each fitted once and stored in the run folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.arrays import read_only
from imbalkit.base.parameters import with_origin
from imbalkit.errors import DataError, PluginError
from imbalkit.functional.calibration import Affine, fit_affine
from imbalkit.functional.prior import log_ratio
from imbalkit.kinds import Calibrator, Loss

if TYPE_CHECKING:
    from torch import nn

MAPPED, PRIOR = "corrected for the loss", "prior restored"
CALIBRATION, PREVALENCE = "calibrated", "at the stated prevalence"
OFFSET, BIAS_AND_TEMPERATURE = "offset", "bias and temperature"


@dataclass(frozen=True)
class Correction:
    """One step from logits [n, C] to better ones.

    Attributes:
        stage: what it is for: MAPPED, PRIOR, CALIBRATION or PREVALENCE
        name: OFFSET, BIAS_AND_TEMPERATURE, or the name of the loss or the calibrator
        apply: logits [n, C] to logits [n, C]
        fitted: its numbers, enough to make `apply` again
    """

    stage: str
    name: str
    apply: Callable[[np.ndarray], np.ndarray]
    fitted: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"stage": self.stage, "name": self.name, "fitted": dict(self.fitted)}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], calibrator: Calibrator | None, losses: Iterable[Loss]) -> Correction:
        """A correction of a run folder.

        Raises DataError for a calibrator that has no method `restore(fitted)`, or a map of none of the losses.
        """
        if facts["stage"] == MAPPED:
            loss = next((loss for loss in losses if loss.name == facts["name"]), None)
            if loss is None:
                raise DataError(
                    f"the map of the loss {facts['name']!r} cannot be read back: the recipe has no such loss"
                )
            return loss_map(loss, facts["fitted"])
        if facts["stage"] != CALIBRATION:
            return cls(facts["stage"], facts["name"], Affine.of(facts["fitted"]), facts["fitted"])
        if calibrator is None or type(calibrator).restore is Calibrator.restore:
            raise DataError(f"the calibrator {facts['name']!r} cannot be read back: it has no method `restore`")
        return cls(facts["stage"], facts["name"], calibrator.restore(facts["fitted"]), facts["fitted"])

    def affine(self, classes: int) -> tuple[np.ndarray, np.ndarray] | None:
        """(scale, bias), float64 [C], if that is all it does, else None."""
        affine = getattr(self.apply, "affine", None)
        if affine is None:
            return None
        scale, bias = (np.broadcast_to(np.asarray(part, float), (classes,)) for part in affine)
        return scale, bias


def corrected(logits: np.ndarray, steps: Iterable[Correction]) -> np.ndarray:
    """Logits [n, C] after all steps, in order."""
    for step in steps:
        logits = step.apply(read_only(logits))
    return logits


@dataclass(frozen=True)
class LossMap:
    """The map of a loss (kinds.PriorShift) on arrays [n, C], in float64, by torch."""

    loss: Loss
    values: Mapping[str, Any]

    def module(self) -> nn.Module:
        """The map as a new module."""
        return self.loss.build_map(self.values).eval()

    def __call__(self, logits: np.ndarray) -> np.ndarray:
        import torch

        with torch.no_grad():
            given = torch.from_numpy(np.array(logits, dtype=np.float64))
            result: np.ndarray = self.module().double()(given).numpy()
        return result


def loss_map(loss: Loss, values: Mapping[str, Any]) -> Correction:
    """From the logits that a loss is least at to those of the true probabilities."""
    return Correction(MAPPED, loss.name, LossMap(loss, values), dict(values))


def offset(stage: str, source: np.ndarray, target: np.ndarray) -> Correction:
    """From probabilities at the prior `source` to those at `target`, both [C]: a constant added to each class's logit."""
    bias = log_ratio(target, source)
    bias = bias - bias.mean()
    step = Affine((1.0,) * len(bias), tuple(map(float, bias)))
    return Correction(stage, OFFSET, step, step.fitted)


def bias_and_temperature(logits: np.ndarray, labels: np.ndarray) -> Correction:
    """Bias-corrected temperature scaling (Alexandari et al. 2020), fitted on rows of every class."""
    step = fit_affine(logits, labels, per_class=False)
    return Correction(PRIOR, BIAS_AND_TEMPERATURE, step, step.fitted)


def calibration(
    calibrator: Calibrator, logits: np.ndarray, labels: np.ndarray, held: np.ndarray | None = None
) -> Correction:
    """What a calibrator fits, where the offset `held` [C] will be added to its logits (None: none will).

    Raises PluginError for one whose `restore` makes another function of what is kept: a run's figures would not be its model's.
    """
    apply = calibrator.fit(logits, labels) if held is None else calibrator.fit_under(logits, labels, held)
    found = Correction(CALIBRATION, calibrator.name, apply, dict(getattr(apply, "fitted", {})))
    if type(calibrator).restore is not Calibrator.restore:
        kept = json.loads(json.dumps(found.fitted))
        if not np.allclose(calibrator.restore(kept)(read_only(logits)), apply(read_only(logits)), rtol=1e-4, atol=1e-6):
            raise PluginError(
                f"{with_origin(calibrator)} gives other logits after `restore` from what the run keeps, {kept}: `fitted` must "
                "hold all that `restore` needs"
            )
    return found
