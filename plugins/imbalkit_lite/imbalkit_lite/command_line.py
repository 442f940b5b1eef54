"""How a command ends: a user's mistake with its message and exit code 1, never with a traceback."""

from __future__ import annotations

import sys

import click


def run(root: click.Group, stopped: str = "stopped") -> None:
    """Run a command line; `stopped` is said when it is interrupted (exit code 130)."""
    try:
        root(standalone_mode=True)
    except Exception as error:
        from imbalkit_lite.errors import ImbalkitError

        if not isinstance(error, ImbalkitError):
            raise
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo(stopped, err=True)
        sys.exit(130)
