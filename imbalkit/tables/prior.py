"""The ledger of the class prior on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from imbalkit.prior import SPLIT

_MOST = 6  # classes that have a column each


def print_prior(ledger: Mapping[str, Any], console: Console) -> None:
    """The ledger of the class prior: what each part multiplies a class's weight by, and where that leads."""
    if not ledger["shifted"]:
        console.print("class prior: the model learns that of the data; no sampler and no weight shifts it.")
        return
    names = list(ledger["data"])
    shown = names if len(names) <= _MOST else []
    table = Table(title="class prior", title_justify="left")
    table.add_column("stage")
    for name in shown or ["smallest", "largest"]:
        table.add_column(name, justify="right")
    table.add_column("exact")
    table.add_column("why", overflow="fold")

    def row(stage: str, values: Sequence[float] | None, form: str, *rest: str) -> None:
        values = values if values is None or shown else [min(values), max(values)]
        cells = ["?"] * len(shown or "ab") if values is None else [form.format(value) for value in values]
        table.add_row(escape(stage), *cells, *rest)

    given = ledger["entries"][0]["stage"] == SPLIT
    source = "held-out rows" if given else "training rows before any sampler"
    row("share in the data", list(ledger["data"].values()), "{:.4g}", "", source)
    table.add_section()
    for entry in ledger["entries"]:
        row(entry["stage"], entry["factors"], "x {:.4g}", "yes" if entry["exact"] else "no", entry["why"])
    table.add_section()
    effective = ledger["effective"]
    how = "restored exactly" if ledger["exact"] else "restored by a fit on validation"
    why = f"{how} with decision.prior: data" if ledger["shifted"] else "that of the data"
    row("share in training", None if effective is None else list(effective.values()), "{:.4g}", "", why)
    console.print(table)
