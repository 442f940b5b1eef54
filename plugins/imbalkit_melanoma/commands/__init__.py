"""The commands of the melanoma plugin: `imbalkit melanoma ...`, found through the entry point of this group alone."""

from __future__ import annotations

import click

from imbalkit_melanoma.commands import fetch


@click.group("melanoma")
def command() -> None:
    """Skin lesion data of ISIC."""


command.add_command(fetch.command)
