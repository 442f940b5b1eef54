"""What a sweep adds to its trainings: six cells of digits by the clock, one and two at a time.

python -m tests.benchmarks sweep_overhead [--repeats 3] [--epochs 20]

Each is `imbalkit sweep` in a process of its own, a new folder each time; they take turns. Beside them: one of its cells as
`imbalkit run`, and what its trainings alone took (the seconds of every cell's epochs, summed).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from tests.benchmarks._timing import Taken, alternate, ratios, spread

GRID = "base: digits\nset: {{training.epochs: {epochs}}}\naxes:\n  loss: [ce, inverse_ce, focal]\nseeds: [0, 1]\n"


def main(arguments: list[str]) -> None:
    """Print seconds by the clock of each way, and the ratio of two at a time to one."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks sweep_overhead")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "six.yaml").write_text(GRID.format(epochs=options.epochs))
        trained: list[float] = []

        def imbalkit(*words: str) -> None:
            command = [sys.executable, "-m", "imbalkit", *words]
            subprocess.run(command, cwd=folder, check=True, capture_output=True)

        def sweep(jobs: int) -> None:
            with tempfile.TemporaryDirectory() as own:
                imbalkit("sweep", "six.yaml", "--folder", f"{own}/sweep", "--jobs", str(jobs))
                trained.append(float(pd.read_parquet(f"{own}/sweep/sweep.parquet")["seconds"].sum()))

        ways = {
            "one run": lambda: imbalkit("run", "digits", "--set", f"training.epochs={options.epochs}"),
            "six cells, --jobs 1": lambda: sweep(1),
            "six cells, --jobs 2": lambda: sweep(2),
        }
        found: dict[str, list[Taken]] = alternate(ways, options.repeats)
    for name, taken in found.items():
        sys.stdout.write(f"{name:<22} {spread([each.clock for each in taken], 1)} s\n")
    sys.stdout.write(f"their trainings alone  {spread(trained, 1)} s, summed\n")
    one, two = found["six cells, --jobs 1"], found["six cells, --jobs 2"]
    sys.stdout.write(f"--jobs 2 of --jobs 1: {ratios(two, one)}\n")
