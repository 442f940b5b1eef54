"""`imbalkit melanoma fetch`: the official ISIC images and tables, onto this disk."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from imbalkit_melanoma.fetching.fetch import Errand, Estimate

SETS = ("isic_2019", "isic_2020", "ham10000", "merge")
HERE = Path("data/isic")  # where the bundled recipes look when ISIC_TABLES and ISIC_IMAGES are not set


@click.command("fetch")
@click.argument("sets", nargs=-1, type=click.Choice(SETS), metavar="[isic_2019|isic_2020|ham10000|merge]...")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=HERE,
    show_default=True,
    help="Folder for `tables`, `images` and `downloads`.",
)
@click.option("--tables-only", is_flag=True, help="No images: a few MB, and enough for `imbalkit plan`.")
@click.option("--yes", is_flag=True, help="Accept the licence without being asked, for scripts.")
@click.option("--keep-zips", is_flag=True, help="Keep the archives in FOLDER/downloads after unpacking.")
@click.option(
    "--mirror",
    metavar="URL",
    envvar="ISIC_MIRROR",
    help="Fetch from URL/2019/NAME, URL/2020/NAME and URL/ham10000/NAME instead of the official addresses "
    "(variable ISIC_MIRROR).",
)
@click.option(
    "--retries", type=click.IntRange(0), default=5, show_default=True, help="Failures in a row before giving up."
)
@click.option("--check", is_flag=True, help="Fetch nothing: compare what is in the folder with its SHA256SUMS.")
def command(
    sets: tuple[str, ...],
    folder: Path,
    tables_only: bool,
    yes: bool,
    keep_zips: bool,
    mirror: str | None,
    retries: int,
    check: bool,
) -> None:
    """Download official images and tables: ISIC 2019 and 2020 (merge, the default), or HAM10000.

    The licence is shown first. What is interrupted goes on where it was when the same command is typed again. Every
    file is checked before it gets its name. A zip you already have may be put into the folder `downloads`.
    """
    from imbalkit.errors import DataError
    from imbalkit_melanoma.fetching import fetch
    from imbalkit_melanoma.fetching.progress import choose_progress
    from imbalkit_melanoma.fetching.record import Record, verify
    from imbalkit_melanoma.fetching.sources import choose_sources, licence_text

    try:
        if check:
            with choose_progress() as progress:
                verify(Record.read(folder), progress)
            return
        errand = fetch.Errand(choose_sources(sets or ("merge",)), folder, tables_only, keep_zips, mirror, retries)
        jobs, remotes = fetch.outstanding(errand), {}
        if any(not job.here for job in jobs):
            click.echo(licence_text(errand.sources))
            if not yes and not sys.stdin.isatty():
                raise DataError(
                    "nobody is there to accept the licence (the input is no terminal): read it above, then add --yes"
                )
            estimate = fetch.look_up(errand, jobs, lambda text: click.echo(text, err=True))
            show(estimate)
            fetch.require_space(errand, estimate)
            remotes = estimate.remotes
            if not yes and not click.confirm("\nDo you accept the licence, and download?"):
                raise DataError("nothing was downloaded")
        with choose_progress() as progress:
            fetch.carry_out(errand, jobs, remotes, progress)
    except KeyboardInterrupt:
        click.echo("\nstopped; what came is kept, and the same command goes on from here", err=True)
        sys.exit(130)
    except OSError as error:
        raise DataError(fetch.disk_trouble(error, folder)) from error
    conclude(errand)


def show(estimate: Estimate) -> None:
    """Print what comes, how large it is and what the disk must hold."""
    from rich.filesize import decimal

    for name, size, already in estimate.files:
        came = f"  ({decimal(already)} of it is here)" if already else ""
        click.echo(f"  {name:<40} {decimal(size) if size is not None else 'size unknown':>10}{came}")
    click.echo(
        f"  to download {decimal(estimate.download)}; the disk needs {decimal(estimate.disk)} at most, "
        f"{decimal(estimate.free)} are free"
    )


def conclude(errand: Errand) -> None:
    """Say what is there now, and what to type next."""
    from imbalkit_melanoma.fetching.fetch import coverage
    from imbalkit_melanoma.fetching.sources import SOURCES

    for source in errand.sources:
        named, found = coverage(errand.folder, source)
        images = "" if errand.tables_only and not found else f", {found:,} of {named:,} images are there"
        click.echo(f"{source.title}: {named:,} rows{images}")
    click.echo(f"in {errand.folder}; `imbalkit melanoma fetch --check` compares it with SHA256SUMS at any time")
    click.echo("\nNext:")
    if errand.folder != HERE:
        for variable, part in (("ISIC_TABLES", "tables"), ("ISIC_IMAGES", "images")):
            click.echo(f"  export {variable}={shlex.quote(str((errand.folder / part).absolute()))}")
    both = all((errand.folder / "tables" / SOURCES[name].tables[0].name).is_file() for name in SETS[:2])
    click.echo("  imbalkit plan melanoma/merge" if both else f"  imbalkit plugins {errand.sources[0].name}")
