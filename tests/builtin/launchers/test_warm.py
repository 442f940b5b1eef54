"""Command lines of Python modules as forks of one process, held to what `subprocess` does with them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from imbalkit.builtin.launchers import Local
from imbalkit.builtin.launchers.warm import start


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
    return [sys.executable, "-m", "piece_of_work"]


def environment(tmp_path, **more):
    return {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}", **more}


def seen(path):
    import json

    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_fork_sees_what_a_process_sees(module, tmp_path):
    own = environment(tmp_path, PIECE="a")
    assert start([*module, "fork.json", "3", "0"], own).wait() == 3
    assert subprocess.run([*module, "process.json", "3", "0"], env=own).returncode == 3
    fork, process = seen(tmp_path / "fork.json"), seen(tmp_path / "process.json")
    assert fork["words"][1:] == process["words"][1:]
    assert (fork["variable"], fork["directory"]) == (process["variable"], process["directory"]) == ("a", str(tmp_path))
    assert fork["torch"]
    assert not process["torch"]


def test_each_is_a_process_of_its_own_with_its_own_exit_code(module, tmp_path):
    own = environment(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda i: start([*module, f"{i}.json", str(i % 5), "0.05"], own).wait(), range(20)))
    assert codes == [i % 5 for i in range(20)]
    assert len({seen(tmp_path / f"{i}.json")["pid"] for i in range(20)}) == 20


def test_one_that_is_told_to_stop_says_by_which_signal(module, tmp_path):
    running = start([*module, "slow.json", "0", "60"], environment(tmp_path))
    running.terminate()
    assert running.wait() == -15


def test_other_programs_are_started_as_they_are():
    assert Local(jobs=2).launch([["true"], ["false"]]) == [0, 1]
