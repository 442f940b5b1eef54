"""`imbalkit schema`"""

from __future__ import annotations

import click

from imbalkit.cli.commands import options
from imbalkit_lite.text import json_text


@click.command("schema")
@options.without
def command(without: tuple[str, ...]) -> None:
    """Print the JSON Schema of recipes, with the parameters of every installed part.

    Save it, and point an editor to it with a first line such as: # yaml-language-server: $schema=recipe.schema.json
    """
    from imbalkit.catalogue import default_catalogue
    from imbalkit.recipe.schema import recipe_schema

    click.echo(json_text(recipe_schema(default_catalogue(tuple(without))), indent=2))
