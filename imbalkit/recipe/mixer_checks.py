"""What a mixer cannot be put together with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imbalkit.kinds import Loss, Mixer
from imbalkit.recipe.document import Place


def mixer_problems(
    mixer: Mixer | None, place: Place, losses: Sequence[tuple[Place, Loss]], epochs: int
) -> Iterable[tuple[Place, str]]:
    """What a mixer and the losses of its training contradict, as (place, message); nothing without a mixer."""
    if mixer is None:
        return
    for where, loss in losses:
        if not loss.by_row:
            yield (
                where,
                f"{loss.name!r} compares the rows of a batch, each of one class, and {mixer.name!r} mixes two rows: leave "
                "out `mixer`, or take a loss that weighs each row by itself, such as ce or class_balanced with `scale: rows`",
            )
    if not any(mixer.mixes(epoch, epochs) for epoch in range(epochs)):
        yield (
            place,
            (
                f"mixes in none of {epochs} epochs: lower `first_epochs_off` ({mixer.first_epochs_off}) or `last_epochs_off` "
                f"({mixer.last_epochs_off})"
            ),
        )
