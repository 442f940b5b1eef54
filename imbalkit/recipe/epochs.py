"""What the epochs of a recipe visit: of its main training, before and after a deferral, and of the stages that train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from imbalkit.base.parameters import described, given
from imbalkit.base.text import part_text
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

    @property
    def label(self) -> str:
        """Which they are: "1 to 160", "161 to 200, deferred", "stages[0] retrain: 1 to 10"."""
        where = "" if self.training == TRAINING else f"{self.training}: "
        span = f"{self.first} to {self.last}" if self.last > self.first else str(self.first)
        return f"{where}{span}{', deferred' if self.deferred else ''}"

    @property
    def mixer_text(self) -> str:
        """The mixer and its parameters, without those that say in which epochs it is on."""
        if self.mixer is None:
            return "none"
        return part_text({key: value for key, value in given(self.mixer).items() if not key.endswith("_epochs_off")})


def epochs_of(prepared: Prepared, counts: Counts | None = None) -> tuple[Epochs, ...]:
    """The epochs of the main training and of the stages that train, in order; not those that score or pick rows.

    Args:
        prepared: the recipe and its class counts
        counts: rows of each class in the plan, where a run has found them out (default: what the recipe foretells)
    """
    recipe, counts = prepared.recipe, counts or prepared.class_counts[-1].counts
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


def are_plain(epochs: Sequence[Epochs]) -> bool:
    """Whether all epochs visit each row once, unmixed, with one loss, so that the class counts say it all."""
    return len(epochs) == 1 and epochs[0].order.visits_each_row_once and epochs[0].mixer is None


def explanations(epochs: Sequence[Epochs]) -> list[str]:
    """What a reader of their table has to know."""
    found = []
    if any(each.visits is None for each in epochs):
        found.append("what is not known depends on rows that a sampler picks later, or the order does not say it")
    if any(each.visits is not None and each.visits[0] != each.visits[1] for each in epochs):
        found.append("ranges go from the first to the last of these epochs")
    mixers = {each.mixer_text: each.mixer for each in epochs if each.mixer is not None}
    for text, mixer in mixers.items():
        other = "of the same batch" if mixer.partners is None else f"drawn in the order {described(mixer.partners)}"
        found.append(f"mixer {text}: partners are rows {other}")
    return found


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
