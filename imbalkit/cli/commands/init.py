"""`imbalkit init`: look at new data, report what is there, and write a recipe for them."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("data", type=click.Path(path_type=Path), metavar="FOLDER_OR_CSV")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("recipe.yaml"),
    show_default=True,
    help="The recipe to write.",
)
@click.option(
    "--root", type=click.Path(path_type=Path), help="Folder or container that a table's image paths start at."
)
@click.option("--label", metavar="COLUMN", help="A table's label column.")
@click.option("--positive", metavar="CLASS", help="The class that must not be missed; of two, else the smaller one.")
@click.option("--force", is_flag=True, help="Overwrite the recipe if it exists.")
def command(data: Path, out: Path, root: Path | None, label: str | None, positive: str | None, force: bool) -> None:
    """Look at a folder of images (one folder a class), a CSV file, or a container of images (zip, tar, HDF5, Parquet), and
    write a recipe for it."""
    from imbalkit.base.console import console, counting, plain
    from imbalkit.cli.tables.findings import print_findings
    from imbalkit.inspection.recipe_draft import inspect, planned, recipe_text
    from imbalkit.inspection.starting_point import starting_point
    from imbalkit_lite.files import refuse_input, write_text

    if out.exists() and not force:
        raise click.ClickException(f"{out} exists: choose another file with --out, or overwrite it with --force")
    refuse_input(out, [data])
    if not out.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {out.absolute().parent} to write {out.name} into")
    screen = console()
    with counting("reading the images") as count:
        found = inspect(data, root, label, positive, count)
    print_findings(found, screen)
    start = starting_point(found)
    screen.say(
        f"network: {start.said}" + (f"; to have them: {start.install}, then init again" if start.install else "")
    )
    write_text(out, recipe_text(found, start, out))
    for line in planned(found, out):
        screen.print(line, markup=False, highlight=False, soft_wrap=True)
    name = plain(out)
    screen.print(
        f"\nWrote [bold]{name}[/]. Next: [bold]imbalkit plan {name}[/], then [bold]imbalkit run {name}[/]",
        soft_wrap=True,
    )
