"""`imbalkit leaks`: is the test of a recipe's split independent of its training?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from imbalkit.base.text import share_text
from imbalkit.cli.commands import options
from imbalkit_lite.text import json_text

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.base.console import Screen
    from imbalkit.data.table import Table
    from imbalkit.inspection.leaks import Figures, LeakCheck, Overlap, Share
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


@click.command("leaks")
@options.recipe
@options.overrides
@click.option(
    "--columns",
    metavar="A,B",
    help="Columns of which no value may be on two sides.  [default: every column whose name ends in _id]",
)
@click.option("--pictures/--no-pictures", default=True, show_default=True, help="Look for near-duplicate pictures.")
@click.option(
    "--distance",
    type=click.IntRange(0, 32),
    help="Bits of 64 in which the hashes of near-duplicate pictures may differ.  [default: 10]",
)
@click.option("--by", metavar="COLUMN", help="Break the figures down by a column.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE.csv", help="Write the pairs of rows found."
)
@options.as_json
@options.without
def command(
    recipe: str,
    overrides: tuple[str, ...],
    columns: str | None,
    pictures: bool,
    distance: int | None,
    by: str | None,
    out: Path | None,
    as_json: bool,
    without: tuple[str, ...],
) -> None:
    """Check whether the sides of RECIPE's split share a group, a column's value, a file name, a file or a picture.

    Exit code 1 if they do, or if a column named with --columns is not there. A check that cannot be made is said to be so.
    """
    from imbalkit.inspection.leaks import find_leaks
    from imbalkit.inspection.near_duplicates import DISTANCE
    from imbalkit.recipe.prepare import prepare

    if out is not None and not out.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {out.absolute().parent} to write {out.name} into")
    named = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    prepared = prepare(recipe, overrides, tuple(without))
    with _progress() as progress:
        task = progress.add_task("reading the pictures", total=None)
        checks = find_leaks(
            prepared.table,
            prepared.split,
            named,
            pictures,
            DISTANCE if distance is None else distance,
            by,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    if out is not None:
        write_pairs(out, checks, prepared.table)
    if as_json:
        click.echo(json_text(leak_facts(checks, prepared), indent=2))
    else:
        print_leaks(checks, prepared, by, out)
    absent = named is not None and any(check.not_made for check in checks if check.name.startswith("column "))
    if absent or any(check.leaks for check in checks):
        click.get_current_context().exit(1)


def _progress():  # type: ignore[no-untyped-def]
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from imbalkit.base.console import console as screen

    console = screen(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


# --- JSON and CSV -------------------------------------------------------------------------------------------------------


def leak_facts(checks: Sequence[LeakCheck], prepared: Prepared) -> dict[str, Any]:
    """Everything but the pairs, ready for JSON."""
    return {
        "recipe": prepared.name,
        "hash": prepared.recipe.hash,
        "classes": list(prepared.classes),
        "split": {side: sum(counts) for side, counts in prepared.split.counts.items()},
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
        "side": overlap.side,
        "against": overlap.against,
        **_figures_fact(overlap.figures),
        "by": {value: _figures_fact(figures) for value, figures in overlap.by.items()},
        "examples": _pair_frame(overlap, table, EXAMPLES).to_dict("records"),
    }


def _figures_fact(figures: Figures) -> dict[str, Any]:
    return {
        **_share_fact(figures.total),
        "classes": {name: _share_fact(part) for name, part in figures.classes.items()},
    }


def _share_fact(part: Share) -> dict[str, Any]:
    return {"rows": part.rows, "of": part.of, "share": None if part.share is None else round(part.share, 6)}


def _pair_frame(overlap: Overlap, table: Table, most: int | None = None) -> pd.DataFrame:
    """The pairs of an overlap, or those of its first few rows: side, row (from 0) and path of each, and what they share."""
    import numpy as np
    import pandas as pd

    some = slice(None) if most is None else np.unique(overlap.pairs[:, 0], return_index=True)[1][:most]
    pairs = overlap.pairs[some]
    paths = table.frame["path"].to_numpy() if "path" in table.frame else None
    frame = {
        "side_a": overlap.side,
        "side_b": overlap.against,
        "row_a": pairs[:, 0],
        "row_b": pairs[:, 1],
        "path_a": None if paths is None else paths[pairs[:, 0]],
        "path_b": None if paths is None else paths[pairs[:, 1]],
        "shared": overlap.shared[some],
    }
    return pd.DataFrame(frame)


def write_pairs(file: Path, checks: Sequence[LeakCheck], table: Table) -> None:
    """A CSV file with a row for each group or picture on two sides (imbalkit.inspection.leaks.Overlap). Raises WriteError."""
    import pandas as pd

    from imbalkit.base.files import write_csv

    frames = [_pair_frame(overlap, table).assign(check=check.name) for check, overlap in _found(checks)]
    names = ["check", "side_a", "side_b", "row_a", "row_b", "path_a", "path_b", "shared"]
    frame = pd.concat(frames)[names] if frames else pd.DataFrame(columns=names)
    write_csv(file, frame)


def _found(checks: Sequence[LeakCheck]) -> Iterator[tuple[LeakCheck, Overlap]]:
    return ((check, overlap) for check in checks for overlap in check.overlaps if overlap.rows)


# --- the terminal -------------------------------------------------------------------------------------------------------


def print_leaks(checks: Sequence[LeakCheck], prepared: Prepared, by: str | None, out: Path | None) -> None:
    """What is shared, by class and by column, examples, and what was not checked."""
    from rich.table import Table as RichTable

    from imbalkit.base.console import console, plain
    from imbalkit.inspection.leaks import PAIRS

    screen = console()
    sides = [pair for pair in PAIRS if all(sum(prepared.split.counts[side]) for side in pair)]
    table = RichTable(title=f"rows of {plain(prepared.name)} that share ...", title_justify="left")
    table.add_column("")
    for side, against in sides:
        table.add_column(f"{side} with {against}", justify="right")
    for check in checks:
        cells = ["not checked"] * len(sides) if check.not_made else [_share(o.figures.total) for o in check.overlaps]
        table.add_row(plain(_title(check)), *cells)
    screen.print(table)
    if any(check.leaks for check in checks):
        _print_figures(screen, checks, prepared, by)
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
        screen.print("[red bold]The sides are not independent.[/]")
    else:
        screen.print(f"[green bold]Nothing shared.[/] Checks made: {len(checks) - absent}, not made: {absent}.")


def _title(check: LeakCheck) -> str:
    return WHAT.get(check.name) or f"the same {check.name.removeprefix('column ')}"


def _share(part: Share) -> str:
    if not part.rows:
        return "none"
    return f"{part.rows:,} of {part.of:,} ({share_text(part.rows / part.of)})"


def _print_figures(console: Screen, checks: Sequence[LeakCheck], prepared: Prepared, by: str | None) -> None:
    """One line an overlap and value of `by`, with the classes across."""
    from rich.table import Table as RichTable

    from imbalkit.base.console import plain

    classes = prepared.classes if len(prepared.classes) <= MOST_CLASSES else ()
    if not classes and by is None:
        return
    table = RichTable(title="of each class", title_justify="left")
    table.add_column("")
    table.add_column("sides")
    for name in [*([by] if by else []), *(["all"] if by else []), *classes]:
        table.add_column(plain(name), justify="right")
    for check, overlap in _found(checks):
        table.add_section()
        values = [("all", overlap.figures), *list(overlap.by.items())[:MOST_VALUES]]
        for number, (value, figures) in enumerate(values):
            cells = [_share(figures.classes[name]) if figures.classes[name].of else "-" for name in classes]
            if by:
                cells = [value, _share(figures.total), *cells]
            first = [_title(check), f"{overlap.side} with {overlap.against}"] if number == 0 else ["", ""]
            table.add_row(*(plain(cell) for cell in [*first, *cells]))
        if len(overlap.by) > MOST_VALUES:
            table.add_row("", "", f"... ({len(overlap.by):,} in all: see --json)")
    console.print(table)


def _print_examples(console: Screen, checks: Sequence[LeakCheck], data: Table) -> None:
    console.print("examples:")
    for check, overlap in _found(checks):
        for pair in _pair_frame(overlap, data, EXAMPLES).to_dict("records"):
            a, b = (pair[f"path_{x}"] or f"row {pair[f'row_{x}']}" for x in "ab")
            shared = "" if check.name == "content" else f": {pair['shared']}"
            console.say(f"  {_title(check)}{shared}: {a} ({overlap.side}), {b} ({overlap.against})")
