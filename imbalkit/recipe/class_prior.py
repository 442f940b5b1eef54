"""The ledger of a recipe: what its samplers, its order, mixer and loss, or its last stage do to the class prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from imbalkit.decision.class_prior import SPLIT, Entry, Ledger
from imbalkit.functional.prior import same_shares, shares
from imbalkit.kinds import BuildContext, Loss, Mixer, Order, PriorShift, SolvedStage, TrainedStage
from imbalkit.plan import Counts
from imbalkit.recipe.prepared import Prepared


def prior_ledger(prepared: Prepared, counts: Sequence[Sequence[int]] | None = None) -> Ledger:
    """The ledger of a recipe.

    Args:
        prepared: the recipe, its data and its class counts
        counts: rows of each class at each stage, where a run has found them out (default: what the recipe foretells)
    """
    stages = _counts_of_stages(prepared, counts)
    held_out = _held_out(prepared, stages[0].low)
    entries = [*_data_entries(prepared, stages, held_out), *_training_entries(prepared, stages[-1])]
    return Ledger(prepared.classes, stages[0].low, tuple(entries), held_out)


def training_ledger(
    prepared: Prepared, counts: Sequence[Sequence[int]], loss: Loss, order: Order, mixer: Mixer | None
) -> Ledger:
    """The ledger of one training on the plan, whatever follows it: what it leads to; arguments as `prior_ledger`'s."""
    stages = _counts_of_stages(prepared, counts)
    held_out = _held_out(prepared, stages[0].low)
    trained = _entries_of(prepared, stages[-1], loss, order, mixer)
    return Ledger(prepared.classes, stages[0].low, (*_data_entries(prepared, stages, held_out), *trained), held_out)


def _counts_of_stages(prepared: Prepared, counts: Sequence[Sequence[int]] | None) -> list[Counts]:
    stages = [stage.counts for stage in prepared.class_counts]
    if counts is None:
        return stages
    return [Counts.exact(stage.classes, found, stage.majority) for stage, found in zip(stages, counts, strict=True)]


def _data_entries(prepared: Prepared, stages: Sequence[Counts], held_out: tuple[int, ...] | None) -> list[Entry]:
    """What a given split and the samplers do."""
    entries, at = [], 0
    if held_out is not None:
        factors = tuple(map(float, shares(stages[0].low) / shares(held_out)))
        why = "its column gives the training rows other class shares than the held-out ones; how they were chosen is not known"
        entries.append(Entry(SPLIT, PriorShift(factors, False, why)))
    for index, sampler in enumerate(prepared.recipe.samplers):
        before, at = stages[at], at + len(sampler.stages)
        entries.append(Entry(f"samplers[{index}] {sampler.name}", sampler.prior_shift(before, stages[at])))
    return entries


def _held_out(prepared: Prepared, train: tuple[int, ...]) -> tuple[int, ...] | None:
    """Validation rows of each class, if a given split drew them otherwise than the training rows; None for a split of ours.

    Otherwise means significantly (chi-squared test, p < 0.001). A class that one of the two lacks cannot be compared.
    """
    held_out = prepared.table.counts(prepared.split.validation)
    if prepared.recipe.split.column is None or not min(*held_out, *train):
        return None
    return tuple(held_out) if same_shares(train, held_out) < 0.001 else None


def _training_entries(prepared: Prepared, counts: Counts) -> list[Entry]:
    """What order, mixer and loss of the last training do, or the last stage, which stands for all that came before it.

    Of a deferred training, and of a stage that starts from what was learnt before, this is where the network is heading.
    """
    recipe, deferred = prepared.recipe, prepared.recipe.deferred
    order, mixer, loss, when, where = recipe.order, recipe.mixer, recipe.loss, "", ""
    if deferred is not None:
        order, loss, when = deferred.order or order, deferred.loss or loss, "deferred "
    late = _for_the_last(recipe.first_epoch, recipe.training.epochs)
    if recipe.stages:
        stage, where = recipe.stages[-1], f"stages[{len(recipe.stages) - 1}] "
        if isinstance(stage, SolvedStage):
            return [Entry(f"{where}{stage.name}", _of_part(prepared, stage, counts))]
        assert isinstance(stage, TrainedStage)
        order, mixer, loss, when = stage.order, stage.mixer, stage.loss, ""
        late = _for_the_last(loss.first_epoch(stage.epochs), stage.epochs)
        if not stage.is_exact:
            late = ", from what was learnt before: where that leads is known, not whether it arrives"
    return _entries_of(prepared, counts, loss, order, mixer, where, when, late)


def _for_the_last(first: int, epochs: int) -> str:
    """Why a loss or an order that holds from an epoch on is not exact; "" for one that holds from the first."""
    if not first:
        return ""
    return f", for the last {epochs - first} of {epochs} epochs: where that leads is known, not whether it arrives"


def _entries_of(
    prepared: Prepared,
    counts: Counts,
    loss: Loss,
    order: Order,
    mixer: Mixer | None,
    where: str = "",
    when: str = "",
    late: str = "",
) -> list[Entry]:
    """What order, mixer and loss of a training do; `where` and `when` name it, `late` says why that is not exact."""
    entries = []
    if not order.visits_each_row_once:
        entries.append(Entry(f"{where}{when}order {order.name}", _known(order.prior_shift, counts)))
    if mixer is not None:
        shift = _of_part(prepared, mixer, counts)
        if mixer.partners is not None and not order.visits_each_row_once:
            named = mixer.partners.name
            why = f"mixes in labels of another order, {named}, whose share beside those of {order.name} is not known"
            shift = PriorShift(None, False, why)
        entries.append(Entry(f"{where}mixer {mixer.name}", shift))
    shift = _of_part(prepared, loss, counts)
    if late:
        shift = replace(shift, exact=False, why=shift.why + late)
    entries.append(Entry(f"{where}{when}loss {loss.name}", shift, loss))
    return entries


def _of_part(prepared: Prepared, part: Loss | Mixer | SolvedStage, counts: Counts) -> PriorShift:
    return _known(lambda rows: part.prior_shift(BuildContext(prepared.classes, rows, prepared.positive)), counts)


def _known(shift: Callable[[tuple[int, ...]], PriorShift], counts: Counts) -> PriorShift:
    """A part's shift for the plan's rows of each class; without factors where only training can tell the counts."""
    least, most = shift(counts.low), shift(counts.high)
    if (least.factors, least.map) == (most.factors, most.map):
        return least
    return PriorShift(
        None, False, f"{least.why}, which depends on counts that are known after training only", least.adaptive
    )
