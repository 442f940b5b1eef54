"""`imbalkit sweep`"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit.cli.commands import options
from imbalkit_lite.command_line import stop_by_sigterm


@click.command("sweep")
@click.argument("grid")
@click.option("--folder", type=click.Path(path_type=Path), help="The sweep folder.  [default: sweeps/NAME]")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="How many cells or trials run at once.  [default: as the file says]"
)
@click.option("--resume", is_flag=True, help="Continue: finished cells are kept, failed and unfinished ones run.")
@click.option("--plan", "plan_only", is_flag=True, help="Check every cell and show its class counts; run nothing.")
@click.option(
    "--launcher",
    metavar="LAUNCHER",
    help="What runs the cells: a name, or '{name: slurm, partition: gpu}'.  [default: as the file says]",
)
@options.without
def command(
    grid: str,
    folder: Path | None,
    jobs: int | None,
    resume: bool,
    plan_only: bool,
    launcher: str | None,
    without: tuple[str, ...],
) -> None:
    """Run every cell of GRID: a sweep file, or the name of a sweep that a plugin registers.

    Ends with the tables of the sweep file; sweep.parquet in the sweep folder has every cell's metrics. A file with `search`
    and `space` in place of `axes` is a search: its trials are run, and the winner with fresh seeds.
    """
    from imbalkit.base.threads import spin_less

    spin_less()

    from imbalkit.base.progress import Lines
    from imbalkit.catalogue import default_catalogue
    from imbalkit.cli.tables.frames import print_frame
    from imbalkit.cli.tables.sweeps import print_sweep
    from imbalkit.studies.search.file import is_search

    catalogue = default_catalogue(tuple(without))
    if is_search(grid, catalogue):
        from imbalkit.cli.tables.searches import print_search, print_space
        from imbalkit.studies.search.run import search

        if plan_only:
            print_space(grid, catalogue)
            return
        stop_by_sigterm()  # so that the trials stop as well
        print_search(search(grid, folder, jobs, resume, tuple(without), Lines(), launcher))
        return
    if plan_only:
        from imbalkit.studies.sweeps.checks import check_cells
        from imbalkit.studies.sweeps.file import read_sweep
        from imbalkit.studies.sweeps.run import data_notes, plan_frame

        found = read_sweep(grid, catalogue)
        prepared = check_cells(found, catalogue, runtime=False)
        print_frame(plan_frame(found, prepared), f"{len(found.cells)} cells")
        for note in data_notes(prepared.values()):
            click.echo(f"note: {note}")
        return
    from imbalkit.studies.sweeps.run import sweep

    stop_by_sigterm()  # so that the cells stop as well
    print_sweep(sweep(grid, folder, jobs, resume, tuple(without), Lines(), launcher))
