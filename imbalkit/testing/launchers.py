"""Checks of launchers, in the mode that needs no cluster."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from imbalkit.kinds import Launcher, PieceState, Session, Work
from imbalkit.testing import Setting
from imbalkit.testing.common import title

PATIENCE = 120.0  # seconds for a piece that ends at once, on a machine that is busy
SEES = (
    "import json, os, sys; print(json.dumps([os.getcwd(), os.environ.get('PIECE'), sys.argv[1:]])); "
    "print('to stderr', file=sys.stderr)"
)
BEATS = "import sys, time\nwhile True:\n    open(sys.argv[1], 'a').write('.')\n    time.sleep(0.1)"


def check_launcher(part: Launcher, setting: Setting) -> None:
    """Every rule of kinds.Launcher, with commands of Python alone."""
    who = title(part)
    part = part.on_this_machine()
    assert isinstance(part, Launcher), f"{who}: `on_this_machine` must return a launcher, got {type(part).__name__}"
    places = part.at_once()
    right = places is None or (isinstance(places, int) and places > 0)
    assert right, f"{who}: `at_once` must be a number of pieces or None, got {places!r}"
    with tempfile.TemporaryDirectory() as name:
        # Not the directory of the pieces, which need not be that of this process.
        folder = Path(name).resolve()
        (folder / "here").mkdir()
        with part.open(folder / "files", 4) as session:
            assert isinstance(session, Session), f"{who}: `open` must return a Session, got {type(session).__name__}"
            _check_codes(who, session, folder)
            _check_surroundings(who, session, folder)
            _check_cancel(who, session, folder)
            unknown = session.poll("no-such-id")
            assert unknown == "lost", f"{who}: `poll` of an id that is not known must be 'lost', got {unknown!r}"
            session.cancel("no-such-id")  # nothing
            id = session.submit(_python(folder, "ended", "raise SystemExit(5)"))
            _wait(who, session, id)
        with part.open(folder / "files") as session:
            state = session.poll(id)
            expected = f"{who}: `poll` of a piece that ended in an earlier session must be its exit code or 'lost'"
            assert state in (5, "lost"), f"{expected}, got {state!r}"


def _python(folder: Path, name: str, code: str, *words: str, log: str | None = None) -> Work:
    return Work(name, (sys.executable, "-c", code, *words), str(folder / "here"), {"PIECE": "a b"}, log=log)


def _check_codes(who: str, session: Session, folder: Path) -> None:
    codes = [3, 0, 1]
    before = time.monotonic()
    ids = session.submit_all([_python(folder, f"ends-{code}", f"raise SystemExit({code})") for code in codes])
    texts = len(ids) == 3 and all(isinstance(id, str) for id in ids) and len(set(ids)) == 3
    assert texts, f"{who}: `submit` must return a text for each piece, no two the same, got {ids!r}"
    got = [_wait(who, session, id) for id in ids]
    assert got == codes, f"{who}: expected the exit codes {codes} in order, got {got}"
    again = [session.poll(id) for id in ids]
    assert again == codes, f"{who}: asked again, `poll` must give the same exit codes {codes}, got {again}"
    assert session.submit_all([]) == [], f"{who}: `submit_all` of nothing must be []"
    assert time.monotonic() - before < PATIENCE, f"{who}: three commands that end at once took too long"


def _check_surroundings(who: str, session: Session, folder: Path) -> None:
    log = folder / "logs" / "sees.txt"
    log.parent.mkdir()
    log.write_text("what was there\n")
    words = ["with blank", "", "ß'\"$HOME"]
    _wait(who, session, session.submit(_python(folder, "sees", SEES, *words, log=str(log))))
    _until(lambda: "to stderr" in log.read_text(encoding="utf-8"), 10)
    text = log.read_text(encoding="utf-8")
    assert text.startswith("what was there\n"), f"{who}: the log must be appended to, but it was written anew"
    assert "to stderr" in text, f"{who}: what a piece writes to stderr must be in its log too, got {text!r}"
    printed = [line for line in text.splitlines() if line.startswith("[")]
    assert printed, f"{who}: what a piece prints must be in its log, got {text!r}"
    directory, variable, arguments = json.loads(printed[0])
    here = str(folder / "here")
    assert directory == here, f"{who}: a piece must run in its directory {here}, it ran in {directory}"
    assert variable == "a b", f"{who}: a piece must have its environment, PIECE='a b', it had {variable!r}"
    assert arguments == words, f"{who}: a piece must get its arguments {words}, it got {arguments}"


def _check_cancel(who: str, session: Session, folder: Path) -> None:
    beats = folder / "beats"
    before = time.monotonic()
    id = session.submit(_python(folder, "beats", BEATS, str(beats)))
    assert time.monotonic() - before < 60, f"{who}: `submit` must not wait for the piece"
    assert _until(beats.exists, PATIENCE), f"{who}: a piece was handed in and not started within {PATIENCE:.0f} seconds"
    state = session.poll(id)
    assert state == "running", f"{who}: `poll` of a piece at work must be 'running', got {state!r}"
    session.cancel(id)
    state = _wait(who, session, id, "was cancelled and")
    assert state != 0, f"{who}: a piece that was cancelled must not have exit code 0"
    size = -1

    def quiet() -> bool:
        nonlocal size
        size, last = beats.stat().st_size, size
        time.sleep(0.5)
        return beats.stat().st_size == size == last

    assert _until(quiet, 15), f"{who}: a piece that was cancelled still runs"
    session.cancel(id)  # nothing more


def _wait(who: str, session: Session, id: str, what: str = "ends at once and") -> PieceState:
    until = time.monotonic() + PATIENCE
    while (state := session.poll(id)) == "running":
        assert time.monotonic() < until, f"{who}: a piece {what} is still 'running' after {PATIENCE:.0f} seconds"
        time.sleep(session.pause)
    right = state == "lost" or (isinstance(state, int) and not isinstance(state, bool))
    assert right, f"{who}: `poll` must give 'running', an exit code or 'lost', got {state!r}"
    return state


def _until(true: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
