"""`imbalkit plan`"""

from __future__ import annotations

import click

from imbalkit.cli.commands import options
from imbalkit_lite.text import json_text


@click.command("plan")
@options.recipe
@options.overrides
@options.as_json
@options.without
def command(recipe: str, overrides: tuple[str, ...], as_json: bool, without: tuple[str, ...]) -> None:
    """Show class counts and balance ratio after the split and after every sampler of RECIPE.

    No image is decoded and nothing is trained; what a sampler cannot do is refused here. The rows of registered sweeps
    that are built on RECIPE are shown as well.
    """
    from imbalkit.cli.tables.plan import plan_facts, print_plan, print_sweep_counts, stage_facts
    from imbalkit.engine.teaching import check_teachers
    from imbalkit.recipe.prepare import Loaded, prepare
    from imbalkit.recipe.traverse import missing_weights
    from imbalkit.studies.sweeps.file import sweep_counts

    loaded = Loaded()
    prepared = prepare(recipe, overrides, tuple(without), loaded=loaded)
    notes = [*check_teachers(prepared), *missing_weights(prepared.recipe)]
    sweeps = {} if overrides else sweep_counts(recipe, prepared.catalogue, loaded)
    if as_json:
        facts = plan_facts(prepared, notes)
        if sweeps:
            facts["sweeps"] = {rows: stage_facts(entry) for rows, entry in sweeps.items()}
        click.echo(json_text(facts, indent=2))
        return
    print_plan(prepared, notes)
    if sweeps:
        print_sweep_counts(sweeps)
