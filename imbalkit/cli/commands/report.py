"""`imbalkit report`"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit_lite.command_line import say


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write.  [default: report.html in RUN]"
)
@click.option("--device", metavar="NAME", help="Where the network computes heat maps.  [default: as the recipe says]")
def command(run: Path, out: Path | None, device: str | None) -> None:
    """Write the report of a finished RUN again: one HTML file that needs no network.

    What is unavailable by now (pictures, data, plugins) is left out, with the reason. The `card` of the run folder's
    recipe.yaml may be filled in first.
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.report.rewrite import report_again

    written, missing = report_again(run, out, device)
    for line in missing:
        say(f"note: {line}", err=True)
    say(written)
