"""What the epochs of a recipe visit: of its main training, before and after a deferral, and of the stages that train."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from imbalkit.kinds import Loss, Mixer, Order, TrainedStage
from imbalkit.plan import Counts
from imbalkit.recipe.prepared import Prepared

TRAINING = "training"


@dataclass(frozen=True)
class Epochs:
    """Epochs of one training that visit rows in one order, with one mixer and one loss.

    Attributes:
        training: "training", or a stage: "stages[0] retrain"
        first, last: epochs, from 1
        deferred: whether the recipe's `deferred` has begun
        order, mixer, loss: what holds for them
        rows: how many an epoch visits; None where only training can tell
        visits: expected rows of each class, float [C], in the first and in the last of the epochs; None where not known
    """

    training: str
    first: int
    last: int
    deferred: bool
    order: Order
    mixer: Mixer | None
    loss: Loss
    rows: int | None
    visits: tuple[tuple[float, ...], tuple[float, ...]] | None


def epochs_of(prepared: Prepared) -> tuple[Epochs, ...]:
    """The epochs of the main training and of the stages that train, in order; not those that score or pick rows."""
    recipe, counts = prepared.recipe, prepared.class_counts[-1].counts
    phases, deferred, epochs = [(0, recipe.order, recipe.loss)], recipe.deferred, recipe.training.epochs
    if deferred is not None:
        start = deferred.first_epoch(recipe.training)
        phases.append((start, deferred.order or recipe.order, deferred.loss or recipe.loss))
    found = _cut(TRAINING, phases, recipe.mixer, epochs, counts)
    for index, stage in enumerate(recipe.stages):
        if isinstance(stage, TrainedStage):
            where = f"stages[{index}] {stage.name}"
            found += _cut(where, [(0, stage.order, stage.loss)], stage.mixer, stage.epochs, counts)
    return tuple(found)


def _cut(
    training: str, phases: list[tuple[int, Order, Loss]], mixer: Mixer | None, epochs: int, counts: Counts
) -> list[Epochs]:
    """One training's epochs, cut where another order or loss begins, and where the mixer is switched on or off."""
    mixed = [mixer is not None and mixer.mixes(epoch, epochs) for epoch in range(epochs)]
    starts = {first for first, _, _ in phases} | {
        epoch for epoch in range(1, epochs) if mixed[epoch] != mixed[epoch - 1]
    }
    found = []
    for first, end in pairwise([*sorted(starts), epochs]):
        order, loss = next((order, loss) for start, order, loss in reversed(phases) if start <= first)
        rows = order.epoch_rows(counts.low) if counts.is_exact else None
        ends = (order.class_visits(counts.low, epoch / max(1, epochs - 1)) for epoch in (first, end - 1))
        visits = tuple(visit for visit in ends if visit is not None)
        known = (visits[0], visits[1]) if counts.is_exact and len(visits) == 2 else None
        found.append(
            Epochs(
                training,
                first + 1,
                end,
                len(phases) > 1 and first >= phases[1][0],
                order,
                mixer if mixed[first] else None,
                loss,
                rows,
                known,
            )
        )
    return found
