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
    from imbalkit_melanoma.fetching.archive_download import ArchiveSettings
    from imbalkit_melanoma.fetching.fetch import Estimate, FetchSettings

SETS = ("isic_2019", "isic_2020", "ham10000", "merge")
HERE = Path("data/isic")  # where the melanoma recipes look when ISIC_TABLES and ISIC_IMAGES are not set


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
@click.option("--yes", is_flag=True, help="Accept the licence without a question, for scripts.")
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
    help="Source of the images: the challenges' zips, or today's ISIC Archive, one by one and only those that the sets "
    "need (merge: ISIC 2020 and the melanomas of ISIC 2019).",
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
    help="Images downloaded at the same time with --via api.",
)
@click.option(
    "--retries", type=click.IntRange(0), default=5, show_default=True, help="Failures in a row before giving up."
)
@click.option("--check", is_flag=True, help="Download nothing: compare the folder with its SHA256SUMS.")
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

    The licence is shown first. An interrupted download resumes when the same command is run again. Every file is
    checked before it gets its name. A zip that you already have may be put into the folder `downloads`.

    With --via api the images are downloaded one by one from the ISIC Archive, and those that it no longer has are listed
    in `not_fetched.csv`.
    """
    from imbalkit.errors import DataError
    from imbalkit_melanoma.fetching import fetch
    from imbalkit_melanoma.fetching.progress import choose_progress
    from imbalkit_melanoma.fetching.record import Record, verify
    from imbalkit_melanoma.fetching.sources import choose_sources

    if via == "api" and keep_zips:
        raise click.UsageError("--keep-zips keeps the archives, and --via api downloads none: leave one of them out")
    if via == "archives" and context.get_parameter_source("api") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--api names the server of --via api: add that")
    try:
        if check:
            with choose_progress() as progress:
                verify(Record.read(folder), progress)
            return
        sources = choose_sources(sets or ("merge",))
        by_image = via == "api" and not tables_only
        settings = fetch.FetchSettings(sources, folder, tables_only or by_image, keep_zips, mirror, retries)
        shown = fetch_files(settings, yes)
        if by_image:
            from imbalkit_melanoma.fetching.archive_api import OFFICIAL
            from imbalkit_melanoma.fetching.archive_download import ArchiveSettings, require_all

            archive = ArchiveSettings(settings, api or OFFICIAL, threads, melanomas_only="isic_2019" not in sets)
            reasons = fetch_archive_images(archive, yes, shown)
            show_summary(settings, {source.name: archive.requested(source) for source in sources})
            require_all(archive, reasons)
        else:
            show_summary(settings)
    except KeyboardInterrupt:
        click.echo("\nstopped; downloaded files stay, and the same command resumes here", err=True)
        sys.exit(130)
    except OSError as error:
        raise DataError(fetch.disk_error_text(error, folder)) from error


def fetch_files(settings: FetchSettings, yes: bool) -> bool:
    """Download tables and archives that are missing, once the licence is accepted; whether it was shown."""
    from imbalkit_melanoma.fetching import fetch
    from imbalkit_melanoma.fetching.progress import choose_progress

    jobs, remotes = fetch.missing_files(settings), {}
    remote = any(not job.on_disk for job in jobs)
    if remote:
        show_licence(settings, yes)
        estimate = fetch.look_up(settings, jobs, note)
        show_sizes(estimate)
        fetch.require_space(settings, estimate)
        remotes = estimate.remotes
        confirm("Do you accept the licence, and download?", yes)
    with choose_progress() as progress:
        fetch.download_files(settings, jobs, remotes, progress)
    return remote


def fetch_archive_images(archive: ArchiveSettings, yes: bool, shown: bool) -> dict[str, str]:
    """Download images of the ISIC Archive that are missing, once their licences are accepted; reasons of failures."""
    from imbalkit_melanoma.fetching import archive_download, fetch
    from imbalkit_melanoma.fetching.licences import summarise
    from imbalkit_melanoma.fetching.progress import choose_progress

    missing = archive_download.missing_images(archive)
    if not any(missing.values()):
        return {}
    if not shown:
        show_licence(archive.fetch, yes)
    lookup = archive_download.look_up_images(archive, missing, note)
    if lookup.images:
        click.echo(printable_lines(summarise(lookup.images)))
        show_sizes(lookup.estimate)
        fetch.require_space(archive.fetch, lookup.estimate)
        confirm("Do you accept these licences, and download?", yes)
    with choose_progress() as progress:
        return archive_download.fetch_images(archive, lookup, progress)


def note(text: str) -> None:
    """A line on standard error."""
    say(text, err=True)


def show_licence(settings: FetchSettings, yes: bool) -> None:
    """Show the licence. Raises DataError where it can be accepted neither by --yes nor at a terminal."""
    from imbalkit.errors import DataError
    from imbalkit_melanoma.fetching.sources import licence_text

    click.echo(licence_text(settings.sources))
    if not yes and not sys.stdin.isatty():
        raise DataError("the licence must be accepted, and the input is no terminal: read it above, then add --yes")


def confirm(question: str, yes: bool) -> None:
    """Ask, unless `yes`. Raises DataError for a no."""
    from imbalkit.errors import DataError

    if not yes and not click.confirm(f"\n{question}"):
        raise DataError("nothing was downloaded")


def show_sizes(estimate: Estimate) -> None:
    """Print the files, their sizes and the disk space that is needed."""
    from rich.filesize import decimal

    for name, size, already in estimate.files:
        earlier = f"  ({decimal(already)} are downloaded)" if already else ""
        say(f"  {name:<40} {decimal(size) if size is not None else 'size unknown':>10}{earlier}")
    click.echo(
        f"  to download {decimal(estimate.download)}; the disk needs {decimal(estimate.disk)} at most, "
        f"{decimal(estimate.free)} are free"
    )


def show_summary(settings: FetchSettings, requested: dict[str, list[str]] | None = None) -> None:
    """Print what is on disk now, and the next commands; `requested`: the images by name of the set, if not all."""
    from imbalkit_melanoma.fetching.requested import images_on_disk, requested_names
    from imbalkit_melanoma.fetching.sources import SOURCES

    on_disk = images_on_disk(settings.folder)
    for source in settings.sources:
        named = requested_names(settings.folder, source)
        names = named if requested is None else requested[source.name]
        found = len(on_disk.keys() & set(names))
        images = "" if settings.tables_only and not found else f", {found:,} of {len(names):,} images are there"
        some = " that are needed" if images and len(names) < len(named) else ""
        say(f"{source.title}: {len(named):,} rows{images}{some}")
    say(f"in {settings.folder}; `imbalkit melanoma fetch --check` compares it with SHA256SUMS at any time")
    click.echo("\nNext:")
    if settings.folder != HERE:
        for variable, part in (("ISIC_TABLES", "tables"), ("ISIC_IMAGES", "images")):
            say(f"  export {variable}={shlex.quote(str((settings.folder / part).absolute()))}")
    both = all((settings.folder / "tables" / SOURCES[name].tables[0].name).is_file() for name in SETS[:2])
    click.echo("  imbalkit plan melanoma/merge" if both else f"  imbalkit plugins {settings.sources[0].name}")
