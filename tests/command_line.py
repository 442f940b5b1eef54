"""The command `imbalkit` as a user types it: in this process, which spares the seconds of importing, or in its own."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from imbalkit.cli.main import main


def environment(cwd: Path) -> dict[str, str]:
    """Variables of a command that runs in `cwd`: its image cache lies there, and tables are not cut."""
    return {"IMBALKIT_CACHE": str(Path(cwd) / "cache"), "COLUMNS": "160", "OMP_NUM_THREADS": "1"}


def imbalkit(*arguments: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The command in this process, through the function that the installed script calls.

    An exception that a user would see as a traceback fails the test.
    """
    words = ["imbalkit", *map(str, arguments)]
    code: object = 0
    out, err = io.StringIO(), io.StringIO()
    on_term = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(cwd)
            patch.setattr(sys, "argv", words)
            for name, value in environment(cwd).items():
                patch.setenv(name, value)
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        signal.signal(signal.SIGTERM, on_term)  # `sweep` sets its own
    return checked(subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue()), check)


def imbalkit_process(*arguments: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    words = [sys.executable, "-m", "imbalkit", *map(str, arguments)]
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, env=os.environ | environment(cwd), timeout=600
    )
    assert "Traceback" not in done.stderr, done.stderr
    return checked(done, check)


def checked(done: subprocess.CompletedProcess[str], check: bool) -> subprocess.CompletedProcess[str]:
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done
