"""Options that several commands share."""

from __future__ import annotations

import click

recipe = click.argument("recipe")
overrides = click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Set a value of the recipe; repeatable."
)
without = click.option("--without", multiple=True, metavar="PLUGIN", help="Leave a plugin out; repeatable.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
