"""The rules of launchers catch what they say, one broken part each."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest

from imbalkit.kinds import ProcessSession
from imbalkit.testing import launchers
from tests.testing.parts import OneByOne, broken, check


def session(**members):
    """`open` of a launcher whose session has some members replaced."""
    kind = type("Broken", (ProcessSession,), members)
    return lambda self, folder, pieces=None: kind()


def starting(change):
    return session(start=lambda self, work: change(work).start())


def anew(self, work):
    if work.log:
        open(work.log, "w").close()
    return work.start()


class TooSoon(ProcessSession):
    """Says that what runs for long has ended."""

    def start(self, work):
        self.last = work.name
        return work.start()

    def poll(self, id):
        return 0 if self.last == "beats" else super().poll(id)


def silent(self, work):
    with open(work.log or os.devnull, "ab") as log:
        return subprocess.Popen(
            work.command, cwd=work.directory, env={**work.environment}, stdout=log, stderr=subprocess.DEVNULL
        )


class NotASession:
    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(OneByOne, "`open` must return a Session, got", open=lambda self, folder, pieces=None: NotASession()),
        broken(OneByOne, "`at_once` must be a number of pieces or None, got 0", at_once=lambda self: 0),
        broken(OneByOne, "`on_this_machine` must return a launcher", on_this_machine=lambda self: None),
        broken(OneByOne, "must return a text for each piece", open=session(submit=lambda self, work: 3)),
        broken(OneByOne, r"expected the exit codes \[3, 0, 1\] in order", open=session(poll=lambda self, id: 0)),
        broken(
            OneByOne, "`poll` must give 'running', an exit code or 'lost'", open=session(poll=lambda self, id: None)
        ),
        broken(OneByOne, "must run in its directory", open=starting(lambda work: replace(work, directory="/"))),
        broken(OneByOne, "must have its environment", open=starting(lambda work: replace(work, environment={}))),
        broken(OneByOne, "must get its arguments", open=starting(lambda work: replace(work, command=work.command[:4]))),
        broken(OneByOne, "the log must be appended to", open=session(start=anew)),
        broken(OneByOne, "writes to stderr must be in its log", open=session(start=silent)),
        broken(
            OneByOne,
            "`poll` of a piece at work must be 'running', got 0",
            open=lambda self, folder, pieces=None: TooSoon(),
        ),
        broken(OneByOne, "is still 'running' after", open=session(cancel=lambda self, id: None)),
    ],
)
def test_launchers(part, message, monkeypatch):
    monkeypatch.setattr(launchers, "PATIENCE", 3.0)
    check(part, message)
