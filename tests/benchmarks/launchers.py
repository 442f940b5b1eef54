"""What a launcher costs a cell of one minute: from handing in until its end is known, less the minute itself.

    python -m tests.benchmarks launchers [SECONDS]

A piece imports what a run imports, and then sleeps; two run one after the other.
SLURM needs its programs (two nodes are started in a temporary folder), Ray its package.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

PIECES = 2


def main(arguments: list[str]) -> None:
    """Print a table of all launchers that can run here."""
    seconds = arguments[0] if arguments else "60"
    from imbalkit.builtin.launchers import Local

    rows = [("local", measure(Local(), seconds))]
    if importlib.util.find_spec("submitit"):
        from imbalkit_cluster.slurm import Slurm

        from tests.cluster.slurm_cluster import SlurmCluster, missing

        rows.append(("slurm, cluster: local", measure(Slurm(cluster="local", jobs=1), seconds)))
        if not missing():
            with SlurmCluster() as cluster:
                os.environ.update(cluster.environment)
                rows.append(("slurm", measure(Slurm(jobs=1), seconds)))
    if importlib.util.find_spec("ray"):
        from imbalkit_cluster.ray_tasks import Ray

        rows.append(("ray", measure(Ray(address="local", jobs=1), seconds)))
    lines = [f"| `{name}` | {opening:.1f} | {min(spent):.1f} to {max(spent):.1f} |" for name, (opening, spent) in rows]
    head = ["| launcher | opening, s | each piece, s (least to most) |", "| --- | --- | --- |"]
    sys.stdout.write("\n".join([*head, *lines]) + "\n")


def measure(launcher, seconds: str) -> tuple[float, list[float]]:
    """Seconds until the session is open, and of each piece beyond its own."""
    from imbalkit.engine.pool import open_pool, piece_of_work

    spent = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        begun = time.perf_counter()
        pool = stack.enter_context(open_pool(launcher, folder, lambda name: (folder / name).exists(), PIECES))
        opening = time.perf_counter() - begun
        for number in range(PIECES):
            begun = time.perf_counter()
            words = ["tests.benchmarks.launchers", str(folder / str(number)), seconds]
            pool.submit(piece_of_work(str(number), words, log=folder / "log.txt"))
            (ended,) = pool.wait()
            assert ended.code == 0, (folder / "log.txt").read_text()
            spent.append(time.perf_counter() - begun - float(seconds))
    return opening, spent


def piece(done: str, seconds: str) -> None:
    """A cell: the imports of a run, and then so many seconds."""
    import imbalkit.engine.outputs
    import imbalkit.engine.run
    import imbalkit.report.page
    import imbalkit.training.trainer  # noqa: F401

    time.sleep(float(seconds))
    Path(done).touch()


if __name__ == "__main__":
    piece(*sys.argv[1:])
