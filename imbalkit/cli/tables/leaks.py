"""What `imbalkit leaks` found, on the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

from imbalkit.base.console import Screen, console, plain
from imbalkit.base.text import share_text
from imbalkit.data.table import Table
from imbalkit.inspection.leaks import PAIRS
from imbalkit.inspection.overlaps import LeakCheck, Overlap, Share, SharedRows, found_overlaps, pair_frame
from imbalkit.recipe.prepared import Prepared

EXAMPLES = 3  # of each overlap
MOST_CLASSES, MOST_VALUES = 8, 30  # shown on the terminal; JSON has all
WHAT = {
    "group": "the same group",
    "file": "the same image file",
    "name": "the same file name",
    "content": "the same bytes",
    "picture": "a near-duplicate picture",
}


def leak_facts(checks: Sequence[LeakCheck], prepared: Prepared) -> dict[str, Any]:
    """Everything but the pairs, ready for JSON."""
    return {
        "recipe": prepared.name,
        "hash": prepared.recipe.hash,
        "classes": list(prepared.classes),
        "split": {name: sum(counts) for name, counts in prepared.split.counts.items()},
        "leaks": any(check.leaks for check in checks),
        "checks": [
            {
                "check": check.name,
                "made": check.not_made is None,
                "why_not": check.not_made,
                "leaks": check.leaks if check.not_made is None else None,
                "notes": list(check.notes),
                "overlaps": [_overlap_fact(overlap, prepared.table) for overlap in check.overlaps],
            }
            for check in checks
        ],
        "notes": list(prepared.notes),
    }


def _overlap_fact(overlap: Overlap, table: Table) -> dict[str, Any]:
    return {
        "split": overlap.split,
        "against": overlap.against,
        **_counts_fact(overlap.counts),
        "by": {value: _counts_fact(counts) for value, counts in overlap.by.items()},
        "examples": pair_frame(overlap, table, EXAMPLES).to_dict("records"),
    }


def _counts_fact(counts: SharedRows) -> dict[str, Any]:
    return {
        **_share_fact(counts.total),
        "classes": {name: _share_fact(part) for name, part in counts.classes.items()},
    }


def _share_fact(part: Share) -> dict[str, Any]:
    return {"rows": part.rows, "of": part.of, "share": None if part.share is None else round(part.share, 6)}


def print_leaks(checks: Sequence[LeakCheck], prepared: Prepared, by: str | None, out: Path | None) -> None:
    """What is shared, by class and by column, examples, and what was not checked."""
    screen = console()
    pairs = [pair for pair in PAIRS if all(sum(prepared.split.counts[name]) for name in pair)]
    table = RichTable(title=f"rows of {plain(prepared.name)} that share ...", title_justify="left")
    table.add_column("")
    for split, against in pairs:
        table.add_column(f"{split} with {against}", justify="right")
    for check in checks:
        cells = ["not checked"] * len(pairs) if check.not_made else [_share(o.counts.total) for o in check.overlaps]
        table.add_row(plain(_title(check)), *cells)
    screen.print(table)
    if any(check.leaks for check in checks):
        _print_classes(screen, checks, prepared, by)
        _print_examples(screen, checks, prepared.table)
    for check in checks:
        for note in [f"not checked: {check.not_made}"] if check.not_made else check.notes:
            screen.say(f"note: {_title(check)}: {note}")
    for note in prepared.notes:
        screen.say(f"note: {note}")
    if out is not None:
        screen.say(f"pairs: {out}")
    absent = sum(check.not_made is not None for check in checks)
    if any(check.leaks for check in checks):
        screen.print("[red bold]The splits are not independent.[/]")
    else:
        screen.print(f"[green bold]Nothing shared.[/] Checks made: {len(checks) - absent}, not made: {absent}.")


def _title(check: LeakCheck) -> str:
    return WHAT.get(check.name) or f"the same {check.name.removeprefix('column ')}"


def _share(part: Share) -> str:
    if not part.rows:
        return "none"
    return f"{part.rows:,} of {part.of:,} ({share_text(part.rows / part.of)})"


def _print_classes(screen: Screen, checks: Sequence[LeakCheck], prepared: Prepared, by: str | None) -> None:
    """One line an overlap and value of `by`, with the classes across."""
    classes = prepared.classes if len(prepared.classes) <= MOST_CLASSES else ()
    if not classes and by is None:
        return
    table = RichTable(title="of each class", title_justify="left")
    table.add_column("")
    table.add_column("splits")
    for name in [*([by] if by else []), *(["all"] if by else []), *classes]:
        table.add_column(plain(name), justify="right")
    for check, overlap in found_overlaps(checks):
        table.add_section()
        values = [("all", overlap.counts), *list(overlap.by.items())[:MOST_VALUES]]
        for number, (value, counts) in enumerate(values):
            cells = [_share(counts.classes[name]) if counts.classes[name].of else "-" for name in classes]
            if by:
                cells = [value, _share(counts.total), *cells]
            first = [_title(check), f"{overlap.split} with {overlap.against}"] if number == 0 else ["", ""]
            table.add_row(*(plain(cell) for cell in [*first, *cells]))
        if len(overlap.by) > MOST_VALUES:
            table.add_row("", "", f"... ({len(overlap.by):,} in all: see --json)")
    screen.print(table)


def _print_examples(screen: Screen, checks: Sequence[LeakCheck], data: Table) -> None:
    screen.print("examples:")
    for check, overlap in found_overlaps(checks):
        for pair in pair_frame(overlap, data, EXAMPLES).to_dict("records"):
            a, b = (pair[f"path_{x}"] or f"row {pair[f'row_{x}']}" for x in "ab")
            shared = "" if check.name == "content" else f": {pair['shared']}"
            screen.say(f"  {_title(check)}{shared}: {a} ({overlap.split}), {b} ({overlap.against})")
