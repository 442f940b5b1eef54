"""Processes on this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from imbalkit.kinds import Launcher, param


class Local(Launcher):
    """Runs the commands as processes of this machine."""

    name = "local"

    jobs: int = param(1, help="how many run at once", unit="processes", ge=1)

    def launch(self, commands: Sequence[Sequence[str]]) -> list[int]:
        with ThreadPoolExecutor(self.jobs) as pool:
            return list(pool.map(lambda command: subprocess.run(command, check=False).returncode, commands))
