"""`imbalkit figures`"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from imbalkit.cli.commands import options
from imbalkit.plots import FIGURES, plots_of
from imbalkit_lite.command_line import say


@click.command("figures")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[RUN_OR_SWEEP ...]")
@click.option("--only", metavar="NAME,...", help=f"Figures to draw: {', '.join(FIGURES)}.  [default: all]")
@click.option(
    "--out",
    default="figures",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files go.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["png", "svg"]),
    help="Format of the pictures; repeatable.  [default: both]",
)
@click.option(
    "--at",
    type=click.Choice(["chosen", "half"]),
    default="chosen",
    show_default=True,
    help="Rates at the threshold chosen on validation, or at one half.",
)
@click.option("--recipe", help="Recipe of the gallery, instead of a run's: a file or a name.")
@click.option(
    "--samples",
    default=2,
    show_default=True,
    type=click.IntRange(min=1, max=20),
    help="Samples a class in the gallery.",
)
@click.option("--mix", is_flag=True, help="Draw runs together although they were tested on different samples.")
@options.without
def command(
    folders: tuple[Path, ...],
    only: str | None,
    out: Path,
    formats: tuple[str, ...],
    at: Literal["chosen", "half"],
    recipe: str | None,
    samples: int,
    mix: bool,
    without: tuple[str, ...],
) -> None:
    """Draw figures of finished runs, as PNG and SVG, each with its numbers as CSV.

    Give run folders, sweep folders, or folders of them. Runs that differ by seed and fold only are one method. `psf` and
    `psf_colour` need no run; `gallery` needs a run or a --recipe.
    """
    names = None if only is None else [name.strip() for name in only.split(",") if name.strip()]
    if names == []:
        raise click.BadParameter("names no figure", param_hint="--only")
    if not folders and recipe is None and not (names and set(names) <= set(plots_of("nothing"))):
        raise click.UsageError(
            "give run or sweep folders, a --recipe for the gallery, or --only psf,psf_colour, which need neither"
        )
    from imbalkit.plots.save import FORMATS, make

    made = make(folders, out, names, formats or FORMATS, at, recipe, samples, mix, tuple(without))
    for path in made.files:
        say(path)
    for why in dict.fromkeys(made.left_out.values()):
        left_out = [name for name, reason in made.left_out.items() if reason == why]
        say(f"left out: {', '.join(left_out)}: {why}", err=True)
    for note in made.notes:
        say(f"note: {note}", err=True)
