"""`imbalkit melanoma fetch`: the official ISIC images and tables, onto this disk."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from imbalkit_lite.command_line import say
from imbalkit_lite.text import printable_lines

if TYPE_CHECKING:
    from imbalkit_melanoma.fetching.archive_errand import ArchiveErrand
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
    "--via",
    type=click.Choice(["archives", "api"]),
    default="archives",
    show_default=True,
    help="Where images come from: the challenges' zips, or the ISIC Archive of today, one by one and only those that the "
    "sets need (merge: ISIC 2020 and the melanomas of ISIC 2019).",
)
@click.option(
    "--api",
    metavar="URL",
    envvar="ISIC_API",
    help="Ask this server instead of https://api.isic-archive.com/api/v2 (variable ISIC_API; with --via api).",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 32),
    default=8,
    show_default=True,
    help="Images that come at the same time with --via api.",
)
@click.option(
    "--retries", type=click.IntRange(0), default=5, show_default=True, help="Failures in a row before giving up."
)
@click.option("--check", is_flag=True, help="Fetch nothing: compare what is in the folder with its SHA256SUMS.")
@click.pass_context
def command(
    context: click.Context,
    sets: tuple[str, ...],
    folder: Path,
    tables_only: bool,
    yes: bool,
    keep_zips: bool,
    mirror: str | None,
    via: str,
    api: str | None,
    threads: int,
    retries: int,
    check: bool,
) -> None:
    """Download official images and tables: ISIC 2019 and 2020 (merge, the default), or HAM10000.

    The licence is shown first. What is interrupted goes on where it was when the same command is typed again. Every
    file is checked before it gets its name. A zip you already have may be put into the folder `downloads`.

    With --via api the images come one by one from the ISIC Archive, and those that it no longer has are listed in
    `not_fetched.csv`.
    """
    from imbalkit.errors import DataError
    from imbalkit_melanoma.fetching import fetch
    from imbalkit_melanoma.fetching.progress import choose_progress
    from imbalkit_melanoma.fetching.record import Record, verify
    from imbalkit_melanoma.fetching.sources import choose_sources

    if via == "api" and keep_zips:
        raise click.UsageError("--keep-zips keeps the archives, and --via api takes none: leave one of them out")
    if via == "archives" and context.get_parameter_source("api") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--api names the server of --via api: add that")
    try:
        if check:
            with choose_progress() as progress:
                verify(Record.read(folder), progress)
            return
        sources = choose_sources(sets or ("merge",))
        by_image = via == "api" and not tables_only
        errand = fetch.Errand(sources, folder, tables_only or by_image, keep_zips, mirror, retries)
        shown = take_files(errand, yes)
        if by_image:
            from imbalkit_melanoma.fetching.archive_api import OFFICIAL
            from imbalkit_melanoma.fetching.archive_errand import ArchiveErrand, require_all

            asked = ArchiveErrand(errand, api or OFFICIAL, threads, melanomas_only="isic_2019" not in sets)
            reasons = take_images(asked, yes, shown)
            conclude(errand, {source.name: asked.wanted(source) for source in sources})
            require_all(asked, reasons)
        else:
            conclude(errand)
    except KeyboardInterrupt:
        click.echo("\nstopped; what came is kept, and the same command goes on from here", err=True)
        sys.exit(130)
    except OSError as error:
        raise DataError(fetch.disk_trouble(error, folder)) from error


def take_files(errand: Errand, yes: bool) -> bool:
    """Tables and archives that are missing, once the licence is accepted; whether it was shown."""
    from imbalkit_melanoma.fetching import fetch
    from imbalkit_melanoma.fetching.progress import choose_progress

    jobs, remotes = fetch.outstanding(errand), {}
    away = any(not job.here for job in jobs)
    if away:
        announce(errand, yes)
        estimate = fetch.look_up(errand, jobs, note)
        show(estimate)
        fetch.require_space(errand, estimate)
        remotes = estimate.remotes
        confirm("Do you accept the licence, and download?", yes)
    with choose_progress() as progress:
        fetch.carry_out(errand, jobs, remotes, progress)
    return away


def take_images(asked: ArchiveErrand, yes: bool, shown: bool) -> dict[str, str]:
    """Images of the ISIC Archive that are missing, once their licences are accepted; why any did not come."""
    from imbalkit_melanoma.fetching import archive_errand, fetch
    from imbalkit_melanoma.fetching.licences import summarise
    from imbalkit_melanoma.fetching.progress import choose_progress

    missing = archive_errand.missing_images(asked)
    if not any(missing.values()):
        return {}
    if not shown:
        announce(asked.errand, yes)
    offer = archive_errand.look_up_images(asked, missing, note)
    if offer.pictures:
        click.echo(printable_lines(summarise(offer.pictures)))
        show(offer.estimate)
        fetch.require_space(asked.errand, offer.estimate)
        confirm("Do you accept these licences, and download?", yes)
    with choose_progress() as progress:
        return archive_errand.fetch_images(asked, offer, progress)


def note(text: str) -> None:
    """A line that is no result."""
    say(text, err=True)


def announce(errand: Errand, yes: bool) -> None:
    """Show the licence. Raises DataError if nobody is there to accept it."""
    from imbalkit.errors import DataError
    from imbalkit_melanoma.fetching.sources import licence_text

    click.echo(licence_text(errand.sources))
    if not yes and not sys.stdin.isatty():
        raise DataError(
            "nobody is there to accept the licence (the input is no terminal): read it above, then add --yes"
        )


def confirm(question: str, yes: bool) -> None:
    """Ask, unless it was answered. Raises DataError for a no."""
    from imbalkit.errors import DataError

    if not yes and not click.confirm(f"\n{question}"):
        raise DataError("nothing was downloaded")


def show(estimate: Estimate) -> None:
    """Print what comes, how large it is and what the disk must hold."""
    from rich.filesize import decimal

    for name, size, already in estimate.files:
        came = f"  ({decimal(already)} of it is here)" if already else ""
        say(f"  {name:<40} {decimal(size) if size is not None else 'size unknown':>10}{came}")
    click.echo(
        f"  to download {decimal(estimate.download)}; the disk needs {decimal(estimate.disk)} at most, "
        f"{decimal(estimate.free)} are free"
    )


def conclude(errand: Errand, wanted: dict[str, list[str]] | None = None) -> None:
    """Say what is there now, and what to type next; `wanted`: the images that were asked for by name of the set."""
    from imbalkit_melanoma.fetching.sources import SOURCES
    from imbalkit_melanoma.fetching.wanted import images_on_disk, names_wanted

    there = images_on_disk(errand.folder)
    for source in errand.sources:
        named = names_wanted(errand.folder, source)
        names = named if wanted is None else wanted[source.name]
        found = len(there.keys() & set(names))
        images = "" if errand.tables_only and not found else f", {found:,} of {len(names):,} images are there"
        some = " that are needed" if images and len(names) < len(named) else ""
        say(f"{source.title}: {len(named):,} rows{images}{some}")
    say(f"in {errand.folder}; `imbalkit melanoma fetch --check` compares it with SHA256SUMS at any time")
    click.echo("\nNext:")
    if errand.folder != HERE:
        for variable, part in (("ISIC_TABLES", "tables"), ("ISIC_IMAGES", "images")):
            say(f"  export {variable}={shlex.quote(str((errand.folder / part).absolute()))}")
    both = all((errand.folder / "tables" / SOURCES[name].tables[0].name).is_file() for name in SETS[:2])
    click.echo("  imbalkit plan melanoma/merge" if both else f"  imbalkit plugins {errand.sources[0].name}")
