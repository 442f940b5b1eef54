"""`imbalkit embed`"""

from __future__ import annotations

from pathlib import Path

import click

from imbalkit.cli.commands import options
from imbalkit_lite.command_line import say


@click.command("embed")
@click.argument("source", metavar="RECIPE|RUN")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.parquet",
    help="Where to write. An interrupted call goes on with the same file.",
)
@options.overrides
@click.option("--device", metavar="NAME", help="Where the network of a RUN computes.  [default: as the recipe says]")
@options.without
def command(source: str, out: Path, overrides: tuple[str, ...], device: str | None, without: tuple[str, ...]) -> None:
    """Write the features of a frozen network, a row for each sample, with label, group and split.

    Of a RECIPE the network is its backbone with the pretrained weights that it starts from, as samplers by neighbours see it;
    of a finished RUN the trained one, on the run's own data. Rows have neither augmentation nor views.
    """
    from imbalkit.base.threads import spin_less

    spin_less()
    from imbalkit.base.console import counting
    from imbalkit.base.progress import choose_progress
    from imbalkit.engine.allocator import freed_memory_kept
    from imbalkit.engine.embedding import of_recipe, of_run
    from imbalkit.recipe.prepare import prepare
    from imbalkit.studies.embed import check_out, embed

    check_out(out)
    is_run = Path(source).is_dir()
    if is_run and (overrides or without):
        raise click.BadParameter(
            "a run has its own recipe: leave it out", param_hint="--set" if overrides else "--without"
        )
    if not is_run and device is not None:
        raise click.BadParameter("it is for a RUN; for a recipe set training.accelerator", param_hint="--device")
    progress = choose_progress()
    with freed_memory_kept():
        with progress as shown:
            if is_run:
                embedding = of_run(Path(source), device, shown)
            else:
                embedding = of_recipe(prepare(source, overrides, tuple(without), runtime=True), shown)
        with counting("computing features") as count:
            written = embed(embedding, out, lambda text: say(text, err=True), count)
    say(written)
