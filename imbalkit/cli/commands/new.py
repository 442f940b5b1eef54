"""`imbalkit new`"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from imbalkit.cli.new_project import part_kind, project_files, template_kinds, write_project
from imbalkit.errors import ImbalkitError


@click.command("new")
@click.argument("kind")
@click.argument("name")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Where to write the project (default: imbalkit-NAME)."
)
def command(kind: str, name: str, folder: Path | None) -> None:
    """Write a new plugin: a small project with a part of a KIND, tests, and a recipe that uses it.

    NAME is what recipes call the part, such as focal_plus.
    """
    from imbalkit.catalogue import default_catalogue

    files = project_files(kind, name)
    catalogue = default_catalogue()
    if name in catalogue.names(part_kind(kind)):
        owner = catalogue.provider(part_kind(kind), name).distribution
        raise ImbalkitError(f"{owner} has a {part_kind(kind)} {name!r} already: choose another name")
    if find_spec(f"imbalkit_{name}"):
        raise ImbalkitError(
            f"a package imbalkit_{name} is installed already, as this one would be: choose another name"
        )
    folder = folder or Path(f"imbalkit-{name.replace('_', '-')}")
    write_project(files, folder)
    click.echo(f"{folder}: " + ", ".join(sorted(files)))
    click.echo(
        f"\nNext:\n  pip install -e '{folder}[test]'\n  pytest {folder}\n  imbalkit run {folder / 'recipe.yaml'}"
    )


command.help = f"{command.help}\n\n    KIND is one of: {', '.join(template_kinds())}."
