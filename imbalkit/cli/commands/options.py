"""Options that several commands share."""

from __future__ import annotations

import click

recipe = click.argument("recipe")
overrides = click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Set a value of the recipe; repeatable."
)


def _leave_out(context: click.Context, _: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Everywhere in the process, such as in files that a dataset opens, for as long as the command runs."""
    if names:
        from imbalkit.catalogue import plugins_left_out

        context.with_resource(plugins_left_out(names))
    return names


without = click.option(
    "--without", multiple=True, metavar="PLUGIN", callback=_leave_out, help="Leave a plugin out; repeatable."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
