"""`imbalkit ensemble`"""

from __future__ import annotations

from pathlib import Path

import click


@click.command("ensemble")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN RUN...")
@click.option(
    "--folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="The run folder to write."
)
@click.option(
    "--device", metavar="NAME", help="Where rows are predicted that a run has not.  [default: as the recipe says]"
)
def command(runs: tuple[Path, ...], folder: Path, device: str | None) -> None:
    """Make one run of finished RUNs: the mean of their probabilities, with a decision of its own.

    The folder of a cross-validation stands for its folds. The decision is fitted on rows that no member was trained on, and
    the test metrics are of rows that none has seen; where there are none, the notes say so. FOLDER holds copies of the
    members, and predict, report, compare, export and app take it as any other run.
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.base.progress import choose_progress
    from imbalkit.cli.tables.results import print_results
    from imbalkit.studies.ensembles import make_ensemble

    print_results(make_ensemble(runs, folder, device, choose_progress()))
