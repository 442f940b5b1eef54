"""`imbalkit baseline`"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit.cli.commands import options


@click.command("baseline")
@click.argument("source", metavar="RECIPE|RUN")
@click.option(
    "--methods",
    default="logistic,boosting",
    show_default=True,
    metavar="NAME,...",
    help="logistic regression, histogram gradient boosting, or both.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where their run folders are made, one a method.  [default: new ones under --runs, or RUN-METHOD beside the RUN]",
)
@click.option(
    "--runs", default="runs", show_default=True, type=click.Path(path_type=Path), help="Where run folders are made."
)
@click.option(
    "--features",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.parquet",
    help="Features of pictures as `imbalkit embed` writes them; kept there where the file is not there yet.",
)
@options.overrides
@options.without
def command(
    source: str,
    methods: str,
    folder: Path | None,
    runs: Path,
    features: Path | None,
    overrides: tuple[str, ...],
    without: tuple[str, ...],
) -> None:
    """Fit logistic regression and gradient boosting with the split, decision and metrics of RECIPE or of a finished RUN.

    On the columns of a table, or on frozen features of the recipe's backbone for pictures. Each leaves a run folder, which
    `compare` and `report` take; with a RUN the comparison with its network is printed.
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.base.progress import choose_progress
    from imbalkit.cli.tables.baselines import print_baselines
    from imbalkit.studies.baselines import make_baselines

    if Path(source).is_dir() and (overrides or without):
        raise click.BadParameter(
            "a run has its own recipe: leave it out", param_hint="--set" if overrides else "--without"
        )
    names = list(dict.fromkeys(name.strip() for name in methods.split(",") if name.strip()))
    with choose_progress() as progress:
        made = make_baselines(source, names, folder, runs, overrides, tuple(without), features, progress)
    print_baselines(made)
