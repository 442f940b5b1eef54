"""`imbalkit plan`"""

from __future__ import annotations

import json

import click

from imbalkit.commands import options


@click.command("plan")
@options.recipe
@options.overrides
@options.as_json
@options.without
def command(recipe: str, overrides: tuple[str, ...], as_json: bool, without: tuple[str, ...]) -> None:
    """Show class counts and balance ratio after the split and after every sampler of RECIPE.

    No image is decoded and nothing is trained; what a sampler cannot do is refused here.
    """
    from imbalkit.planning import prepare
    from imbalkit.tables import plan_facts, print_plan

    prepared = prepare(recipe, overrides, tuple(without))
    if as_json:
        click.echo(json.dumps(plan_facts(prepared), indent=2, ensure_ascii=False))
    else:
        print_plan(prepared)
