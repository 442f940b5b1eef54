"""The class counts of a plan on the terminal, and the same facts as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table as RichTable

from imbalkit.base.console import MOST_COLUMNS, console, plain
from imbalkit.base.text import ratio_text, rounded
from imbalkit.cli.tables.prior import print_prior
from imbalkit.data.same_file import file_facts
from imbalkit.plan import Counts, balance_ratio
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.prepare import Prepared
from imbalkit_lite.text import counted


def plan_facts(prepared: Prepared) -> dict[str, Any]:
    """Classes, counts of each side of the split, and of every rung of the ladder."""
    table, split = prepared.table, prepared.split
    sides = {side: table.counts(getattr(split, side)) for side in ("train", "validation", "test")}
    return {
        "recipe": prepared.name,
        "hash": prepared.recipe.hash,
        "classes": list(prepared.classes),
        "positive": prepared.classes[prepared.positive] if prepared.positive is not None else None,
        "samples": {"total": len(table), "counts": list(table.counts())},
        "removed": table.removed_counts(),
        "split": {
            side: {"total": sum(counts), "counts": list(counts), "balance_ratio": _ratio(counts, prepared.positive)}
            for side, counts in sides.items()
        },
        "groups": split.groups,
        "missing_groups": split.missing_groups,
        "repeated_files": {**file_facts(table.labels, table.files), "on_two_sides": split.shared_files},
        "ladder": ladder_facts(prepared),
        "prior": prior_ledger(prepared).to_json(),
        "notes": list(prepared.notes),
    }


def _rung(stage: str, counts: Counts, positive: int | None) -> dict[str, Any]:
    fact = {
        "stage": stage,
        "total": counts.total,
        "counts": list(counts.low) if counts.is_exact else None,
        "balance_ratio": _ratio(counts.low, positive) if counts.is_exact else None,
    }
    if not counts.is_exact:
        fact |= {"low": list(counts.low), "high": list(counts.high)}
    return fact


def _ratio(counts: Sequence[int], positive: int | None) -> float | None:
    ratio = balance_ratio(counts, positive)
    return None if math.isnan(ratio) else rounded(ratio)


def print_plan(prepared: Prepared) -> None:
    """The ladder of class counts."""
    facts = plan_facts(prepared)
    classes = facts["classes"]
    table = RichTable(title=f"plan of {plain(prepared.name)}", title_justify="left")
    table.add_column("stage")
    for name in _columns(classes):
        table.add_column(plain(name), justify="right")
    table.add_column("rows", justify="right")
    table.add_column("balance ratio", justify="right")

    def row(stage: str, low: Sequence[int], high: Sequence[int], total: int | None, ratio: float | None) -> None:
        table.add_row(plain(stage), *_cells(low, high), "?" if total is None else f"{total:,}", ratio_text(ratio))

    def side(stage: str, counts: Sequence[int]) -> None:
        row(stage, counts, counts, sum(counts), _ratio(counts, prepared.positive))

    side("all samples", facts["samples"]["counts"])
    for name in ("test", "validation"):
        side(name, facts["split"][name]["counts"])
    table.add_section()
    for rung in facts["ladder"]:
        low, high = rung.get("low") or rung["counts"], rung.get("high") or rung["counts"]
        row(rung["stage"], low, high, rung["total"], rung["balance_ratio"])
    out = console()
    out.print(table)
    two = facts["positive"] is not None and len(classes) == 2
    meaning = f"{facts['positive']} / the other" if two else "smallest / largest class"
    out.print(f"balance ratio: {plain(meaning)}. Samplers see training rows only.")
    print_prior(facts["prior"], out)
    if facts["groups"]:
        sides = ", ".join(f"{count:,} {side}" for side, count in facts["groups"].items())
        out.print(f"groups: {sides}; samples without a group id, each a group of its own: {facts['missing_groups']:,}")
    for line in removed_lines(facts["removed"]):
        out.say(line)
    for note in [*facts["notes"], *facts["prior"]["warnings"]]:
        out.say(f"note: {note}")


def removed_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A line a reason for the samples that a data set left out, from `Table.removed_counts`."""
    return [
        f"left out by {reason}: {sum(classes.values()):,} samples ({counted(classes.items())})"
        for reason, classes in counts.items()
    ]


def ladder_facts(prepared: Prepared) -> list[dict[str, Any]]:
    """Counts of every rung of the ladder."""
    return [_rung(rung.stage, rung.counts, prepared.positive) for rung in prepared.ladder]


def print_ladders(entries: Mapping[str, Prepared]) -> None:
    """The ladders of the sweeps that are built on a recipe, one below the other."""
    table = RichTable(title="rows of the sweeps that are built on this recipe", title_justify="left")
    classes = next(iter(entries.values())).classes
    for name in ("rows", "stage", *_columns(classes), "balance ratio"):
        table.add_column(plain(name), justify="left" if name in ("rows", "stage") else "right")
    for label, prepared in entries.items():
        table.add_section()
        for rung in prepared.ladder:
            counts = rung.counts
            ratio = _ratio(counts.low, prepared.positive) if counts.is_exact else None
            cells = _cells(counts.low, counts.high)
            table.add_row(plain(label), plain(rung.stage), *cells, ratio_text(ratio))
            label = ""
    console().print(table)


def _columns(classes: Sequence[str]) -> Sequence[str]:
    """Headers of the counts: a class each, or of many classes the smallest and the largest."""
    return classes if len(classes) <= MOST_COLUMNS else ("smallest class", "largest class")


def _cells(low: Sequence[int], high: Sequence[int]) -> list[str]:
    """The counts below `_columns`."""
    if len(low) > MOST_COLUMNS:
        low, high = (min(low), max(low)), (min(high), max(high))
    return [_range(a, b) for a, b in zip(low, high, strict=True)]


def _range(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
