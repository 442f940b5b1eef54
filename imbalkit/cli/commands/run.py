"""`imbalkit run`"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit.cli.commands import options


@click.command("run")
@options.recipe
@options.overrides
@click.option(
    "--runs", default="runs", show_default=True, type=click.Path(path_type=Path), help="Where run folders are made."
)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="The run folder itself, instead of a new one under --runs."
)
@click.option("--resume", is_flag=True, help="Continue the latest run of this recipe.")
@click.option(
    "--rounds",
    type=click.Path(path_type=Path),
    help="Folder of finished rounds and main trainings: runs that would train the same share it.",
)
@click.option("--wait", is_flag=True, help="Wait while another process works on the run folder, instead of ending.")
@options.without
def command(
    recipe: str,
    overrides: tuple[str, ...],
    runs: Path,
    folder: Path | None,
    resume: bool,
    rounds: Path | None,
    wait: bool,
    without: tuple[str, ...],
) -> None:
    """Run RECIPE: a file, or the name of a recipe that a plugin registers.

    Ends with a table of test metrics and the run folder's path.
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.base.processes import is_first_process
    from imbalkit.base.progress import choose_progress
    from imbalkit.cli.tables.results import print_results
    from imbalkit.engine.options import RunOptions
    from imbalkit.engine.run import run

    options = RunOptions(runs, folder, resume, tuple(without), rounds, choose_progress(), wait)
    path = run(recipe, overrides, options)
    if is_first_process():
        print_results(path)
