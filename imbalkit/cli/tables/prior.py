"""The ledger of the class prior on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from imbalkit.base.console import plain
from imbalkit.base.text import factor_text, share_text
from imbalkit.decision.class_prior import SPLIT

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
        table.add_column(plain(name), justify="right")
    table.add_column("exact")
    table.add_column("why", overflow="fold")

    def row(stage: str, values: Sequence[float] | None, form: Callable[[float], str], *rest: str) -> None:
        values = values if values is None or shown else [min(values), max(values)]
        cells = ["?"] * len(shown or "ab") if values is None else [form(value) for value in values]
        table.add_row(plain(stage), *cells, *map(plain, rest))

    given = ledger["entries"][0]["stage"] == SPLIT
    source = "held-out rows" if given else "training rows before any sampler"
    row("share in the data", list(ledger["data"].values()), _share, "", source)
    table.add_section()
    for entry in ledger["entries"]:
        row(
            entry["stage"],
            entry["factors"],
            lambda factor: f"x {factor_text(factor)}",
            "yes" if entry["exact"] else "no",
            entry["why"],
        )
    table.add_section()
    effective = ledger["effective"]
    how = "restored exactly" if ledger["exact"] else "restored by a fit on validation"
    why = f"{how} with decision.prior: data" if ledger["shifted"] else "that of the data"
    row("share in training", None if effective is None else list(effective.values()), _share, "", why)
    console.print(table)


def _share(value: float) -> str:
    """Four digits, or as many as tell it from 0 and 1."""
    text = f"{value:.4g}"
    return share_text(value) if 0 < value < 1 and ("e" in text or text == "1") else text
