"""What the stages of a recipe contradict, each other or the data."""

from __future__ import annotations

from collections.abc import Iterable

from imbalkit.kinds import AnyStage, Head, Loss, SolvedStage, TrainedStage
from imbalkit.plan import Counts
from imbalkit.recipe.document import Place
from imbalkit.recipe.mixer_checks import mixer_problems
from imbalkit.recipe.recipe import Recipe


def stage_problems(recipe: Recipe) -> Iterable[tuple[Place, str]]:
    """What stages contradict, as (place, message)."""
    stages = recipe.stages
    for index, (stage, head) in enumerate(zip(stages, recipe.heads, strict=False)):
        place: Place = ("stages", index)
        if stage.needs_linear_head and not head.is_linear:
            yield place, _not_linear(stage, head)
        if isinstance(stage, TrainedStage):
            losses: list[tuple[Place, Loss]] = [((*place, "loss"), stage.loss)]
            yield from mixer_problems(stage.mixer, (*place, "mixer"), losses, stage.epochs)
        following = stages[index + 1] if index + 1 < len(stages) else None
        if following is not None and following.makes_new_head and not stage.changes_body:
            yield (
                place,
                f"{stage.name!r} changes the head alone, and stages[{index + 1}], {following.name!r}, makes a new one: leave "
                "out one of them",
            )


def _not_linear(stage: AnyStage, head: Head) -> str:
    return (
        f"{stage.name!r} needs a head of weights and bias, and meets the head {head.name!r}: take the head linear, or put a "
        "`retrain` with `head: linear` before it"
    )


def stage_count_problems(recipe: Recipe, counts: Counts, validation_rows: int) -> Iterable[tuple[Place, str]]:
    """What the rows are too few for, as (place, message); `counts` are those that the samplers leave."""
    for index, stage in enumerate(recipe.stages):
        place: Place = ("stages", index)
        message = stage.check_counts(counts)
        if message:
            yield place, message
        if isinstance(stage, SolvedStage) and stage.needs_validation and not validation_rows:
            name = stage.needs_validation
            yield (
                (*place, name),
                f"is chosen on validation rows, and there are none: set `{name}`, or split off validation",
            )
