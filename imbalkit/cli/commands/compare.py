"""`imbalkit compare`"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit.cli.commands import options
from imbalkit_lite.command_line import say
from imbalkit_lite.text import json_text


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN...")
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="What to compare with.  [default: the first RUN]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write the page, its numbers as CSV, and the scatter of the rates there.",
)
@click.option(
    "--at",
    type=click.Choice(["chosen", "half"]),
    default="chosen",
    show_default=True,
    help="Decisions at the threshold chosen on validation, or uncalibrated at one half.",
)
@click.option("--metrics", metavar="NAME,...", help="Metrics to compare.  [default: the six most telling]")
@click.option(
    "--resamples", type=click.IntRange(min=100), default=2000, show_default=True, help="Of the paired bootstrap."
)
@options.as_json
def command(
    runs: tuple[Path, ...],
    reference: Path | None,
    out: Path | None,
    at: str,
    metrics: str | None,
    resamples: int,
    as_json: bool,
) -> None:
    """Compare finished runs that were tested on the same rows: metrics with intervals, and paired tests.

    Rates get McNemar's exact test and ROC areas DeLong's, where test rows are independent; every metric gets a paired
    bootstrap, by groups (patients) where these have several rows. Runs whose test rows differ are refused.
    """
    from imbalkit.cli.tables.frames import print_frame
    from imbalkit.studies.comparison import compare
    from imbalkit.studies.comparison.text import small_print, statements, table, to_facts

    names = None if metrics is None else [name.strip() for name in metrics.split(",") if name.strip()]
    if names == []:
        raise click.BadParameter("names no metric", param_hint="--metrics")
    found = compare(runs, reference, at, names, resamples)  # type: ignore[arg-type]
    written = found.write(out) if out is not None else []
    if as_json:
        click.echo(json_text(to_facts(found), indent=2, allow_nan=False))
    else:
        print_frame(table(found), f"against {found.reference}")
        for line in [*statements(found), "", *small_print(found)]:
            say(line)
    for path in written:
        say(path, err=True)
