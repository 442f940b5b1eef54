"""What an epoch visits, on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from imbalkit.base.console import Screen, plain
from imbalkit.base.parameters import described
from imbalkit.base.text import expected_text, rounded
from imbalkit.cli.tables.class_columns import class_cells, class_columns
from imbalkit.kinds import Part
from imbalkit.recipe.epochs import Epochs, are_plain, explanations
from imbalkit.recipe.recipe import Recipe


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


def print_epochs(epochs: tuple[Epochs, ...], recipe: Recipe, classes: Sequence[str], screen: Screen) -> None:
    """Which rows the epochs visit, where they are not each row once from the first epoch to the last; then the stages."""
    if not are_plain(epochs):
        screen.print(_table(epochs, classes))
        for line in explanations(epochs):
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
        texts = (each.label, described(each.order), *([each.mixer_text] if mixed else []), described(each.loss))
        cells = ["?"] * len(columns) if each.visits is None else class_cells(*each.visits, expected_text)
        table.add_row(*map(plain, texts), *cells, "?" if each.rows is None else f"{each.rows:,}")
    return table


def _part(part: Part | None) -> dict[str, Any] | None:
    return None if part is None else part.model_dump(mode="json")
