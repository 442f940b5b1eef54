"""`imbalkit plugins`"""

from __future__ import annotations

import click

from imbalkit.cli.commands import options
from imbalkit_lite.text import json_text


@click.command("plugins")
@click.argument("what", required=False, metavar="[KIND | NAME]")
@options.as_json
@options.without
def command(what: str | None, as_json: bool, without: tuple[str, ...]) -> None:
    """List the installed parts: of a KIND, or one by NAME with its parameters."""
    from imbalkit.catalogue import default_catalogue
    from imbalkit.cli.tables.parts import part_facts, print_parts

    facts = part_facts(default_catalogue(tuple(without)), what)
    if as_json:
        click.echo(json_text(facts, indent=2))
    else:
        print_parts(facts, details=what is not None)
