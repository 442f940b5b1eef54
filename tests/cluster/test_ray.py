"""The launcher ray, on two nodes that `ray start` makes on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from imbalkit.errors import RunError
from tests.cluster.sweeping import EPOCHS, Sweep, search_with

pytest.importorskip("ray")
from imbalkit_cluster.ray_tasks import Ray

from tests.cluster.slurm_cluster import _free_ports

pytestmark = pytest.mark.slow


class RayCluster:
    """A head without CPUs for tasks, and nodes with one CPU each."""

    def __init__(self, folder: Path):
        self.address = f"127.0.0.1:{_free_ports(1)[0]}"
        self.environment = {"RAY_ADDRESS": self.address, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
        self._folder, self._processes = folder, {}

    def start(self) -> None:
        port = self.address.rpartition(":")[2]
        head = ["--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={self._folder}"]
        self._start("head", *head)
        for node in ("n1", "n2"):
            self._start(node, f"--address={self.address}", "--num-cpus=1")

    def _start(self, name: str, *words: str) -> None:
        command = [
            str(Path(sys.executable).with_name("ray")),
            "start",
            "--block",
            "--node-ip-address=127.0.0.1",
            *words,
        ]
        mark = f"{self.address}/{name}"  # by which all that a node starts is found
        with open(self._folder / f"{name}.out", "ab") as log:
            environment = os.environ | self.environment | {"TEST_NODE": mark}
            self._processes[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + 180  # one after the other: begun together, one of them may not be taken in
        while "Ray runtime started" not in (self._folder / f"{name}.out").read_text():
            assert time.monotonic() < until, (self._folder / f"{name}.out").read_text()
            time.sleep(0.2)

    def _pids(self, name: str) -> list[int]:
        """Of all that a node has started."""
        mark = f"TEST_NODE={self.address}/{name}".encode()
        return [pid for pid in _all_pids() if mark in _words(pid, "environ")]

    def kill(self, name: str) -> None:
        """As if the node's power were cut."""
        while pids := [pid for pid in self._pids(name) if pid != self._processes[name].pid]:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def runs(self, name: str, cell: str) -> bool:
        """Whether a node works on a cell."""
        return any(cell.encode() in _words(pid, "cmdline") for pid in self._pids(name))

    def close(self) -> None:
        for name in [*self._processes]:
            self.kill(name)


def _all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _words(pid: int, file: str) -> list[bytes]:
    try:
        return Path("/proc", str(pid), file).read_bytes().split(b"\0")
    except OSError:
        return []


@pytest.fixture
def cluster():
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:  # a socket's path is short
        started = RayCluster(Path(folder))
        try:
            started.start()
            yield started
        finally:
            started.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_a_node_fails_and_the_sweep_is_killed(cluster, tmp_path):
    """A cell loses what it did since its checkpoint, and nothing is repeated or called failed."""
    sweep = Sweep(tmp_path, "{name: ray, jobs: 2}", cluster.environment)
    process = sweep.start()
    sweep.until(lambda: min(len(sweep.epochs(0)), len(sweep.epochs(1))) > 2, "two cells begin, one a node")
    hit = next(seed for seed in range(2) if cluster.runs("n2", f"seed-{seed}"))
    cluster.kill("n2")
    before = sweep.epochs(hit)
    process.kill()
    process.wait()
    assert len(before) < EPOCHS
    process = sweep.start("--resume")
    _, said = process.communicate(timeout=500)
    assert process.returncode == 0, said
    assert "failed" not in said
    sweep.assert_whole()
    sweep.assert_went_on(hit, len(before))


def test_no_cluster_is_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(RunError, match=r"reaches no cluster at 127.0.0.1:1: start one with `ray start --head`"):
        Ray(address="127.0.0.1:1").open(tmp_path)


def test_a_search_runs_its_trials_and_refits_as_tasks(cluster, tmp_path):
    pytest.importorskip("optuna")
    trials, _ = search_with(tmp_path, "{name: ray, jobs: 2}", cluster.environment)
    assert list(trials["state"]) == ["finished"] * 3
