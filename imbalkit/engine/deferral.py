"""The end of a training that has a loss or an order of its own, and what to say of the chosen epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imbalkit.kinds import AnyStage, TrainedStage
from imbalkit.recipe.recipe import Recipe

if TYPE_CHECKING:
    from imbalkit.engine.teaching import Taught
    from imbalkit.training.phase import Phase


def deferred_phase(recipe: Recipe, taught: Taught = lambda loss, order, mixer: None) -> Phase | None:
    """What the end of the training visits and minimises, if that is another thing than before; `taught` gives its teacher."""
    from imbalkit.training.phase import Phase

    deferred = recipe.deferred
    if deferred is None:
        return None
    loss, order = deferred.loss or recipe.loss, deferred.order or recipe.order
    return Phase(loss, order, deferred.first_epoch(recipe.training), taught(loss, order, recipe.mixer))


def deferral_notes(recipe: Recipe, log: Sequence[Mapping[str, Any]]) -> list[str]:
    """A note if validation chose an epoch before a deferral, or the end of the loss's warm-up, so that the weights never saw it.

    Args:
        recipe: of the run
        log: the epochs of its main training, in order
    """
    deferred = recipe.deferred
    chosen = log[-1].get("best_epoch") if log else None
    first = recipe.first_epoch + 1
    if not chosen or chosen >= first:  # without validation, the last epoch is kept
        return []
    if deferred is not None and deferred.first_epoch(recipe.training) + 1 == first:
        what = " and ".join(name for name in ("loss", "order") if getattr(deferred, name) is not None)
        begins = f"the deferred {what} {'begins' if len(what.split()) == 1 else 'begin'}"
    else:
        loss = recipe.loss if deferred is None else deferred.loss or recipe.loss
        begins = f"the loss {loss.name!r}, after its warm-up, begins"
    return [f"the chosen epoch {chosen} is before {begins} with epoch {first}: set training.monitor: last"]


def stage_notes(stages: Iterable[tuple[str, AnyStage]], log: Sequence[Mapping[str, Any]]) -> list[str]:
    """A note for each stage of which an epoch of its loss's warm-up was chosen.

    Args:
        stages: with the names of their trainings
        log: all epochs of the run
    """
    notes = []
    for name, stage in stages:
        own = [entry for entry in log if entry.get("stage") == name]
        chosen = own[-1].get("best_epoch") if own else None
        if isinstance(stage, TrainedStage) and chosen and chosen <= (first := stage.loss.first_epoch(stage.epochs)):
            notes.append(
                f"{name}: the chosen epoch {chosen} is before the loss {stage.loss.name!r}, after its warm-up, begins with epoch "
                f"{first + 1}: set training.monitor: last"
            )
    return notes


def monitor_notes(recipe: Recipe, log: Sequence[Mapping[str, Any]]) -> list[str]:
    """A note if no epoch could be chosen, as the metric was defined in none; `log` as of `deferral_notes`."""
    monitor = recipe.training.monitor
    if monitor == "last" or not log or log[-1].get("best_epoch") != 0:
        return []
    return [
        f"{monitor} was not defined on the validation rows in any epoch (it may need rows of each class), so that the last epoch "
        "was used: bring such rows, or set training.monitor to another metric"
    ]
