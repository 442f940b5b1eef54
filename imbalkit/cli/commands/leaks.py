"""`imbalkit leaks`: is the test of a recipe's split independent of its training?"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit.cli.commands import options
from imbalkit_lite.text import json_text


@click.command("leaks")
@options.recipe
@options.overrides
@click.option(
    "--columns",
    metavar="A,B",
    help="Columns of which no value may be in two splits.  [default: every column whose name ends in _id]",
)
@click.option("--pictures/--no-pictures", default=True, show_default=True, help="Look for near-duplicate pictures.")
@click.option(
    "--distance",
    type=click.IntRange(0, 32),
    help="Bits of 64 in which the hashes of near-duplicate pictures may differ.  [default: 10]",
)
@click.option("--by", metavar="COLUMN", help="Break the counts down by a column.")
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
    """Check whether train, validation and test of RECIPE share a group, a column's value, a file name, a file or a picture.

    Exit code 1 if they do, or if a column named with --columns is not there. A check that cannot be made is reported.
    """
    from imbalkit.base.console import counting
    from imbalkit.cli.tables.leaks import leak_facts, print_leaks
    from imbalkit.inspection.leaks import find_leaks
    from imbalkit.inspection.near_duplicates import DISTANCE
    from imbalkit.inspection.overlaps import write_pairs
    from imbalkit.recipe.prepare import prepare
    from imbalkit.recipe.traverse import every_text
    from imbalkit_lite.files import refuse_input

    if out is not None and not out.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {out.absolute().parent} to write {out.name} into")
    named = None if columns is None else [name.strip() for name in columns.split(",") if name.strip()]
    prepared = prepare(recipe, overrides, tuple(without))
    if out is not None:
        refuse_input(out, [recipe, *every_text(prepared.recipe.data.model_dump(mode="json"))])
    with counting("reading the pictures") as count:
        checks = find_leaks(
            prepared.table,
            prepared.split,
            named,
            pictures,
            DISTANCE if distance is None else distance,
            by,
            count,
            () if prepared.encoding is None else prepared.encoding.names,
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
