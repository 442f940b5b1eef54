"""How a command speaks and ends: any name in any encoding, a user's mistake with its message, never with a traceback."""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import Any

import click

from imbalkit_lite.text import printable_lines, printable_message

_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)  # of names that no file can have, wherever they are looked for


def say(text: object, err: bool = False) -> None:
    """Print text; what in it could steer a terminal is shown as an escape."""
    click.echo(printable_lines(text), err=err)


def write_any_name(encoding: str | None = None) -> None:
    """Let standard output and error write every character: what their encoding lacks is shown as an escape.

    A process calls this where it starts; `encoding` is put in the place of theirs. Warnings that are logged are made
    printable as well.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Printable())


def _leave_ascii() -> None:
    """Start again in Python's UTF-8 mode where names of files would be read as ASCII (LC_ALL=C with PYTHONUTF8=0).

    There no table could hold a name such as "≥ 1 mm". What the terminal is given stays ASCII.
    """
    if sys.getfilesystemencoding() == "ascii" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.environ.setdefault("PYTHONIOENCODING", "ascii:backslashreplace")
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class _Printable(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record))


def run(root: click.Group, stopped: str = "stopped") -> None:
    """Run a command line to the end of the process; `stopped` is printed when it is interrupted (exit code 130)."""
    _leave_ascii()
    write_any_name()
    try:
        sys.exit(root(standalone_mode=False))
    except click.UsageError as error:
        if not isinstance(error, click.exceptions.NoArgsIsHelpError):  # its message is the help
            vars(error)["message"] = printable_message(error.message)  # which click declares final
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _show(printable_message(error.message))
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo(stopped, err=True)
        sys.exit(130)
    except Exception as error:
        from imbalkit_lite.errors import ImbalkitError

        if not isinstance(error, ImbalkitError) and getattr(error, "errno", None) not in _NAMES:
            raise
        _show(printable_message(error if isinstance(error, ImbalkitError) else _about_a_name(error)))
        sys.exit(1)


def _show(message: str) -> None:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)


def _about_a_name(error: Any) -> str:
    name = str(error.filename)
    return f"{error.strerror}: {name if len(name) <= 80 else name[:80] + '...'}"
