"""Seconds, by the clock and of the processor, of commands that a person waits for, beside `python -c pass`.

python -m tests.benchmarks command_line [--repeats 9] [--tables ../shared/data/isic_tables]

`imbalkit --help`, `imbalkit plugins`, `imbalkit plan melanoma/merge` over the official ISIC tables (of 2019 and 2020; no
images are needed), and `imbalkit run digits`. Each is a process of its own, and they take turns; processor time is user and
system together. The files are in the page cache: each command runs once before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.benchmarks._timing import Taken, spread, take

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "imbalkit --help": ["-m", "imbalkit", "--help"],
    "imbalkit plugins": ["-m", "imbalkit", "plugins"],
    "imbalkit plan melanoma/merge": ["-m", "imbalkit", "plan", "melanoma/merge"],
    "imbalkit run digits": ["-m", "imbalkit", "run", "digits"],
}


def main(arguments: list[str]) -> None:
    """Print the processor time of each command, and how much more it is than that of an empty program."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks command_line")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--tables", default="../shared/data/isic_tables", help="folder of the official ISIC tables")
    options = parser.parse_args(arguments)
    found: dict[str, list[Taken]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ISIC_TABLES": str(Path(options.tables).resolve())}
        for repeat in range(options.repeats + 1):
            for name, words in COMMANDS.items():
                command = [sys.executable, *words]
                taken = take(
                    partial(subprocess.run, command, env=environment, cwd=folder, capture_output=True, check=True)
                )
                if repeat:
                    found[name].append(taken)
    empty = statistics.median(taken.processor for taken in found["python -c pass"])
    for name, times in found.items():
        processor = [taken.processor for taken in times]
        sys.stdout.write(
            f"{name:<30} {spread([taken.clock for taken in times], 2)} s by the clock; processor {spread(processor, 2)} s, "
            f"{statistics.median(processor) - empty:.2f} s more than an empty program\n"
        )
