"""Runs independent pieces of work: the folds of a cross-validation, the cells of a sweep."""

from __future__ import annotations

from collections.abc import Sequence

from imbalkit.kinds import Launcher, param


class Mine(Launcher):
    """Runs the commands on this machine, `at_once` of them at a time, each with low priority."""

    name = "mine"
    at_once: int = param(1, help="commands that run at a time", ge=1)

    def launch(self, commands: Sequence[Sequence[str]]) -> list[int]:
        """Run each command line and wait for it; returns their exit codes in order."""
        import subprocess
        from concurrent.futures import ThreadPoolExecutor

        def run(command: Sequence[str]) -> int:
            return subprocess.run(["nice", *command], check=False).returncode

        with ThreadPoolExecutor(self.at_once) as pool:
            return list(pool.map(run, commands))
