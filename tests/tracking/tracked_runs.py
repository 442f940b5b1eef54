"""A real MLflow server, and what makes runs quick."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import pytest

QUICK = [
    *("--set", "training.epochs=3", "--set", "training.threads=1", "--set", "training.accelerator=cpu"),
    *("--set", "metrics=[balanced_accuracy, recall]", "--set", "evaluation.resamples=100"),
]


def need(tracker):
    """Skip where the tracker's package, or its entry point, is not installed."""
    pytest.importorskip(tracker, reason=f"pip install 'imbalkit[{tracker}]'")
    if tracker not in {entry.name for entry in entry_points(group="imbalkit.plugins")}:
        pytest.skip(f"the entry point of the plugin {tracker} is not installed: pip install -e .")


class Server(NamedTuple):
    """A server at work."""

    address: str
    process: subprocess.Popen


@contextmanager
def mlflow_server(folder):
    """An MLflow server on a free port, its store a SQLite file in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += [
        "--backend-store-uri",
        f"sqlite:///{folder}/store.db",
        "--artifacts-destination",
        str(folder / "artifacts"),
    ]
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log.txt").open("wb") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True, env=quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                with urlopen(f"{address}/health", timeout=5):
                    break
            except (URLError, OSError):
                assert server.poll() is None, (folder / "log.txt").read_text()
                time.sleep(0.5)
        else:
            raise AssertionError((folder / "log.txt").read_text())
        yield Server(address, server)
    finally:
        kill(server)


def kill(server):
    """End a server and its workers, as a crash does."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
