"""How a command speaks and ends: any name in any encoding, a user's mistake with its message, never with a traceback."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
from typing import Any

import click

from imbalkit_lite.text import printable_lines, printable_message

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
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
        code = root(standalone_mode=False)
        sys.stdout.flush()  # an error in it is told below
        sys.exit(code)
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

        if isinstance(error, OSError) and error.errno in _NO_ROOM and error.filename is None:  # as of a stream
            _show(f"the output cannot be written: {error.strerror}")
            _drop_output()
            sys.exit(1)
        if not isinstance(error, ImbalkitError) and getattr(error, "errno", None) not in _NAMES:
            raise
        _show(printable_message(error if isinstance(error, ImbalkitError) else _about_a_name(error)))
        sys.exit(1)


def _drop_output() -> None:
    """Drop what standard output still holds, which Python would try to write once more at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stop_by_sigterm() -> None:
    """Let SIGTERM end this process as Ctrl-C does, so that no half-written file stays behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _show(message: str) -> None:
    click.secho("error: ", fg="red", bold=True, nl=False, err=True)
    click.echo(message, err=True)


def _about_a_name(error: Any) -> str:
    name = str(error.filename)
    return f"{error.strerror}: {name if len(name) <= 80 else name[:80] + '...'}"
