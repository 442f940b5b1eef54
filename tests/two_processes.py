"""A test file that is run as each of two CPU processes of one training, which meet as `torchrun` would have them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy


def run_as_two(file: str, folder: Path) -> None:
    """Run `python FILE FOLDER RANK` twice, and wait until both have ended well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = str(Path(__file__).parents[1])
    together = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "TORCHELASTIC_RUN_ID": "test",
        "PYTHONPATH": os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    both = []
    for rank in ("0", "1"):
        place = {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": "0", "LOCAL_WORLD_SIZE": "2"}
        command = [sys.executable, file, str(folder), rank]
        both.append(subprocess.Popen(command, env={**os.environ, **together, **place}))
    assert [process.wait(600) for process in both] == [0, 0]


def one_of_two() -> Fabric:
    """In such a process: the devices of both."""
    torch.set_num_threads(1)
    fabric = Fabric(accelerator="cpu", devices=2, strategy=DDPStrategy(start_method="popen"))
    fabric.launch()
    return fabric
