"""`imbalkit audit`"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit.cli.commands import options
from imbalkit_lite.command_line import say


@click.command("audit")
@options.recipe
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of page, CSV file and trainings; an interrupted audit goes on in it.  [default: audit/NAME]",
)
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Where a finished cross-validation of this recipe is looked for.",
)
@click.option("--pictures/--no-pictures", default=True, show_default=True, help="Look for near-duplicate pictures.")
@click.option(
    "--loss-rank/--no-loss-rank", default=True, show_default=True, help="Train a round of loss_rank, to compare."
)
@options.overrides
@options.without
def command(
    recipe: str,
    out: Path | None,
    runs: Path,
    pictures: bool,
    loss_rank: bool,
    overrides: tuple[str, ...],
    without: tuple[str, ...],
) -> None:
    """Find labels of RECIPE's data that are likely wrong, by networks that were not trained on them; nothing is changed.

    Runs the recipe's cross-validation (five folds where it has none), and looks for near duplicates and groups with different
    labels, and for outliers. Writes audit.html and corrections.csv, to be filled in and named in `data.corrections`.
    """
    from imbalkit.base.progress import choose_progress
    from imbalkit.base.text import plural
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.engine.allocator import freed_memory_kept
    from imbalkit.studies.audit import audit
    from imbalkit.studies.audit.run import CORRECTIONS, PAGE, summary

    out = out or Path("audit") / Path(recipe).stem
    with freed_memory_kept(), choose_progress() as progress:
        found = audit(recipe, out, overrides, runs, tuple(without), pictures, loss_rank, progress)
    counts = summary(found)
    say(f"{counts['label_issues']:,} of {counts['rows']:,} labels are suspicious")
    if "pictures" not in found.how:
        say(f"near duplicates with different labels: {plural(counts['contradicting_pairs'], 'pair')}")
    if found.prepared.table.groups is not None:
        say(f"{plural(counts['mixed_groups'], 'group')} with different labels")
    say(out / PAGE)
    say(f"{out / CORRECTIONS}: to fill in, then to name in the recipe's data.corrections")
