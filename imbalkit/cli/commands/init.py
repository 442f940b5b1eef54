"""`imbalkit init`: look at new data, say what is there, and write a recipe for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from imbalkit.base.console import Screen
    from imbalkit.inspection.findings import Findings


@click.command("init")
@click.argument("data", type=click.Path(path_type=Path), metavar="FOLDER_OR_CSV")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("recipe.yaml"),
    show_default=True,
    help="The recipe to write.",
)
@click.option("--root", type=click.Path(path_type=Path), help="Folder that a table's image paths start at.")
@click.option("--label", metavar="COLUMN", help="A table's label column.")
@click.option("--force", is_flag=True, help="Overwrite the recipe if it exists.")
def command(data: Path, out: Path, root: Path | None, label: str | None, force: bool) -> None:
    """Look at a folder of images (one folder a class) or a CSV file and write a recipe for it."""
    from imbalkit.base.console import console as screen
    from imbalkit.base.console import plain
    from imbalkit.errors import ImbalkitError
    from imbalkit.inspection.recipe_draft import inspect, planned, recipe_text
    from imbalkit_lite.files import write_text

    console = screen()
    if out.exists() and not force:
        raise click.ClickException(f"{out} exists: choose another file with --out, or overwrite it with --force")
    if not out.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {out.absolute().parent} to write {out.name} into")
    try:
        with _progress(console) as progress:
            task = progress.add_task("reading the images", total=None)
            found = inspect(data, root, label, lambda done, total: progress.update(task, completed=done, total=total))
        show(found, console)
        write_text(out, recipe_text(found, out))
        for line in planned(found, out):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    except ImbalkitError as error:
        raise click.ClickException(str(error)) from None
    name = plain(out)
    console.print(
        f"\nWrote [bold]{name}[/]. Next: [bold]imbalkit plan {name}[/], then [bold]imbalkit run {name}[/]",
        soft_wrap=True,
    )


def _progress(console: Screen):  # type: ignore[no-untyped-def]
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def show(found: Findings, console: Screen) -> None:
    """Print the findings."""
    from rich import box
    from rich.table import Table

    from imbalkit.base.console import MOST_COLUMNS, MOST_ROWS, plain
    from imbalkit.base.text import ratio_text, share_text
    from imbalkit.errors import listing
    from imbalkit_lite.text import printable

    table, counts = found.table, found.table.counts()
    rows = Table(box=box.SIMPLE_HEAD)
    rows.add_column("class")
    rows.add_column("images", justify="right")
    rows.add_column("share", justify="right")
    every = sorted(zip(table.classes, counts, strict=True), key=lambda pair: pair[1])
    few = MOST_COLUMNS // 2  # of very many classes: the smallest and the largest
    shown = [*every[:few], *every[-few:]] if len(every) > MOST_ROWS else zip(table.classes, counts, strict=True)
    for name, count in shown:
        rows.add_row(plain(name), f"{count:,}", share_text(count / len(table)))
    console.print(rows)
    if len(every) > MOST_ROWS:
        console.say(f"(the {few} smallest and the {few} largest of {len(every):,} classes)")
    lines = [
        f"{len(table):,} images, {len(table.classes)} classes, balance ratio {ratio_text(min(counts) / max(counts))} "
        "(smallest / largest class)"
    ]
    if hasattr(found.part, "label_sources"):
        part, columns = found.part, found.part.label_sources
        labels = f"column{'s' * (len(columns) > 1)} {listing(columns, 30)}"
        lines.append(f"paths: {part.path_template or 'column ' + part.path_column}; labels: {labels}")
        lines += [f"may hold the labels too: {', '.join(found.labels[1:])}"] if found.labels[1:] else []
    if found.groups:
        groups = table.groups
        many = "" if groups is None else f" ({len(set(groups.tolist())):,} groups; none will be on two sides)"
        lines.append(f"groups: column {found.groups[0]}{many}")
        lines += [f"may hold groups too: {', '.join(found.groups[1:])}"] if found.groups[1:] else []
    if "split" in table.frame:
        lines.append("split: " + ", ".join(f"{n} {c:,}" for n, c in table.frame["split"].value_counts().items()))
    low, high = min(found.sizes), max(found.sizes)
    usual, count = found.sizes.most_common(1)[0]
    if low == high:
        lines.append(f"sizes: all {usual[0]}x{usual[1]} px (height x width)")
    else:
        span = (
            f"{_span(size[0] for size in found.sizes)} x {_span(size[1] for size in found.sizes)} px (height x width)"
        )
        lines.append(f"sizes: {span}, {len(found.sizes):,} different, most often {usual[0]}x{usual[1]} ({count:,})")
    lines.append("colours: " + ", ".join(f"{mode} {number:,}" for mode, number in found.modes.most_common()))
    lines += [*table.all_notes, *found.hints]
    for line in lines:
        console.say(line)
    if found.bad:
        console.print(
            f"\n[red]{len(found.bad)} image{'s' if len(found.bad) > 1 else ''} cannot be read[/] (the recipe skips them):"
        )
        for path, reason in found.bad:
            console.say(f"  {printable(path)}: {reason}")
    else:
        console.print("every image can be read")


def _span(values) -> str:  # type: ignore[no-untyped-def]
    values = list(values)
    return f"{min(values)}-{max(values)}" if min(values) != max(values) else str(values[0])
