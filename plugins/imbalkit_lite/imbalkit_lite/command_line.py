"""How a command ends: a user's mistake with its message and exit code 1, never with a traceback."""

from __future__ import annotations

import errno
import sys
from typing import Any

import click

_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)  # of names that no file can have, wherever they are looked for


def run(root: click.Group, stopped: str = "stopped") -> None:
    """Run a command line; `stopped` is said when it is interrupted (exit code 130)."""
    try:
        root(standalone_mode=True)
    except Exception as error:
        from imbalkit_lite.errors import ImbalkitError

        if not isinstance(error, ImbalkitError) and getattr(error, "errno", None) not in _NAMES:
            raise
        click.secho("error: ", fg="red", bold=True, nl=False, err=True)
        click.echo(str(error) if isinstance(error, ImbalkitError) else _about_a_name(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo(stopped, err=True)
        sys.exit(130)


def _about_a_name(error: Any) -> str:
    name = str(error.filename)
    return f"{error.strerror}: {name if len(name) <= 80 else name[:80] + '...'}"
