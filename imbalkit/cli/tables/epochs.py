"""What an epoch visits, on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

from imbalkit.base.console import Screen, plain
from imbalkit.base.text import part_text, rounded
from imbalkit.cli.tables.class_columns import class_cells, class_columns
from imbalkit.kinds import Part
from imbalkit.recipe.epochs import TRAINING, Epochs
from imbalkit.recipe.recipe import Recipe

_SHOWN_ELSEWHERE = {"first_epochs_off", "last_epochs_off"}  # as rows of the table


def epoch_facts(epochs: Sequence[Epochs]) -> list[dict[str, Any]]:
    """One entry for each row of the table."""
    return [
        {
            "training": each.training,
            "first_epoch": each.first,
            "last_epoch": each.last,
            "deferred": each.deferred,
            "order": _part(each.order),
            "mixer": _part(each.mixer),
            "loss": _part(each.loss),
            "rows": each.rows,
            "visits": None if each.visits is None else [rounded(value) for value in each.visits[0]],
            "visits_last_epoch": None if each.visits is None else [rounded(value) for value in each.visits[1]],
        }
        for each in epochs
    ]


def print_epochs(epochs: Sequence[Epochs], recipe: Recipe, classes: Sequence[str], screen: Screen) -> None:
    """Which rows the epochs visit, where they are not each row once from the first epoch to the last; then the stages."""
    if len(epochs) > 1 or not epochs[0].order.visits_each_row_once or epochs[0].mixer is not None:
        screen.print(_table(epochs, classes))
        for line in _notes(epochs):
            screen.say(line)
    for index, stage in enumerate(recipe.stages):
        screen.say(f"then stages[{index}] {stage.name}: {stage.summary}")


def _table(epochs: Sequence[Epochs], classes: Sequence[str]) -> Table:
    table = Table(title="what an epoch visits: expected rows of each class", title_justify="left")
    columns, mixed = class_columns(classes), any(each.mixer is not None for each in epochs)
    for name in ("epochs", "order", *(["mixer"] if mixed else []), "loss"):
        table.add_column(name)
    for name in columns:
        table.add_column(plain(name), justify="right")
    table.add_column("rows", justify="right")
    for before, each in zip([None, *epochs[:-1]], epochs, strict=True):
        if before is not None and before.training != each.training:
            table.add_section()
        where = "" if each.training == TRAINING else f"{each.training}: "
        span = f"{each.first} to {each.last}" if each.last > each.first else str(each.first)
        span += ", deferred" if each.deferred else ""
        parts = (_words(part) for part in (each.order, *([each.mixer] if mixed else []), each.loss))
        cells = ["?"] * len(columns) if each.visits is None else class_cells(*each.visits, _rows)
        table.add_row(plain(where + span), *map(plain, parts), *cells, "?" if each.rows is None else f"{each.rows:,}")
    return table


def _notes(epochs: Sequence[Epochs]) -> Iterator[str]:
    if any(each.visits is None for each in epochs):
        yield "?: it depends on rows that a sampler picks later, or the order does not say"
    if any(each.visits is not None and each.visits[0] != each.visits[1] for each in epochs):
        yield "a to b: from the first to the last of these epochs"
    mixers = {_words(each.mixer): each.mixer for each in epochs if each.mixer is not None}
    for words, mixer in mixers.items():
        other = "of the same batch" if mixer.partners is None else f"drawn in the order {_words(mixer.partners)}"
        yield f"mixer {words}: partners are rows {other}"


def _part(part: Part | None) -> dict[str, Any] | None:
    return None if part is None else part.model_dump(mode="json")


def _words(part: Part | None) -> str:
    """A part by its name and what is not as by default: "ldam (beta 0.9999)"."""
    if part is None:
        return "none"
    given = part.model_dump(mode="json", exclude_defaults=True)
    return part_text({key: value for key, value in given.items() if key not in _SHOWN_ELSEWHERE})


def _rows(value: float) -> str:
    """An expected number of rows: whole where it is 100 or more."""
    return (
        f"{value:,.0f}" if value >= 99.95 or value == round(value) else f"{value:.2g}" if value < 1 else f"{value:.1f}"
    )
