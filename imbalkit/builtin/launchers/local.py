"""Processes on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from imbalkit.base.processes import own_environment
from imbalkit.base.threads import sharing
from imbalkit.builtin.launchers.warm import Running, start
from imbalkit.kinds import Launcher, param


class Local(Launcher):
    """Runs the commands as processes of this machine, which share its cores."""

    name = "local"

    jobs: int = param(1, help="how many run at once", unit="processes", ge=1)

    def launch(self, commands: Sequence[Sequence[str]]) -> list[int]:
        environment = own_environment()
        environment |= sharing(min(self.jobs, len(commands)), environment)
        running: set[Running] = set()

        def run(command: Sequence[str]) -> int:
            process = start(command, environment)
            running.add(process)
            try:
                return process.wait()
            finally:
                running.discard(process)

        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(run, command) for command in commands]
            try:
                return [future.result() for future in futures]
            except BaseException:  # Ctrl-C: nothing more is started, and what runs is stopped
                for future in futures:
                    future.cancel()
                for process in list(running):
                    process.terminate()
                raise
