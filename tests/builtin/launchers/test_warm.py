"""Command lines of Python modules as forks of one process, held to what `subprocess` does with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

from imbalkit.builtin.launchers import Local
from imbalkit.builtin.launchers.warm import start
from imbalkit.kinds import Work


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module `piece_of_work` that writes what it sees into the file named, and ends with the code named."""
    (tmp_path / "piece_of_work.py").write_text(
        textwrap.dedent("""
        import json, os, sys, time
        from pathlib import Path
        if __name__ == "__main__":
            seen = {"words": sys.argv[1:], "variable": os.environ.get("PIECE"), "torch": "torch" in sys.modules,
                    "directory": os.getcwd(), "pid": os.getpid()}
            Path(sys.argv[1]).write_text(json.dumps(seen))
            time.sleep(float(sys.argv[3]))
            sys.exit(int(sys.argv[2]))
        """)
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return (sys.executable, "-m", "piece_of_work")


def piece(command, tmp_path, **environment):
    return Work("piece", command, str(tmp_path), environment)


def code_of(process):
    while (code := process.poll()) is None:
        time.sleep(0.02)
    return code


def seen(path):
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_fork_sees_what_a_process_sees(module, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    fork = Work(
        "a", (*module, "fork.json", "3", "0"), str(tmp_path / "elsewhere"), {"PIECE": "a"}, log=str(tmp_path / "log")
    )
    assert code_of(start(fork)) == 3
    own = {**os.environ, "PIECE": "a", "PYTHONPATH": str(tmp_path)}
    process = subprocess.run([*module, "process.json", "3", "0"], env=own, cwd=tmp_path / "elsewhere")
    assert process.returncode == 3
    fork, process = (seen(tmp_path / "elsewhere" / f"{name}.json") for name in ("fork", "process"))
    assert fork["words"][1:] == process["words"][1:]
    assert (fork["variable"], fork["directory"]) == (process["variable"], process["directory"])
    assert (fork["variable"], fork["directory"]) == ("a", str(tmp_path / "elsewhere"))
    assert fork["torch"]
    assert not process["torch"]


def test_each_is_a_process_of_its_own_with_its_own_exit_code(module, tmp_path):
    running = [start(piece((*module, f"{i}.json", str(i % 5), "0.05"), tmp_path)) for i in range(12)]
    assert [code_of(process) for process in running] == [i % 5 for i in range(12)]
    assert len({seen(tmp_path / f"{i}.json")["pid"] for i in range(12)}) == 12


SCRIPT = """import sys
print("ran")
from imbalkit.builtin.launchers.warm import start
from imbalkit.kinds import Work
running = [start(Work("a", (sys.executable, "-m", "piece_of_work", f"{i}.json", "0", "0"), ".", {})) for i in range(2)]
while None in [each.poll() for each in running]:
    pass
print([each.poll() for each in running], __name__, sys.modules["__main__"].__file__ == __file__)
"""


def test_a_script_without_a_main_guard_is_not_run_again(module, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    own = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "script.py"], env=own, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["ran", "[0, 0] __main__ True"], done.stderr


def test_one_that_is_told_to_stop_says_by_which_signal(module, tmp_path):
    running = start(piece((*module, "slow.json", "0", "60"), tmp_path))
    running.terminate()
    assert code_of(running) == -15


def test_other_programs_are_started_as_they_are(tmp_path):
    with Local(jobs=2).open(tmp_path) as session:
        ids = session.submit_all([piece(("true",), tmp_path), piece(("false",), tmp_path)])
        while "running" in [session.poll(id) for id in ids]:
            time.sleep(0.02)
        assert [session.poll(id) for id in ids] == [0, 1]


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="the system does not say when a process was started")
def test_a_later_session_knows_what_still_runs(module, tmp_path):
    first, later = Local().open(tmp_path), Local().open(tmp_path)
    id = first.submit(piece((*module, "slow.json", "0", "60"), tmp_path))
    assert later.poll(id) == "running"
    host, pid, started = id.split(":")
    assert later.poll(f"elsewhere:{pid}:{started}") == "lost"
    assert later.poll(f"{host}:{pid}:{int(started) + 1}") == "lost"  # another process with that number
    later.cancel(id)
    while first.poll(id) == "running":
        time.sleep(0.02)
    assert (first.poll(id), later.poll(id)) == (-15, "lost")
