"""Processor time of commands that a person waits for, beside `python -c pass`.

python -m tests.benchmarks command_line [--repeats 9] [--tables ../shared/data/isic_tables]

`imbalkit --help`, `imbalkit plugins`, and `imbalkit plan melanoma/merge` over the official ISIC tables (of 2019 and 2020;
no images are needed). Each is a process of its own, and they take turns; processor time is user and system together. The
files are in the page cache: each command runs once before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "imbalkit --help": ["-m", "imbalkit", "--help"],
    "imbalkit plugins": ["-m", "imbalkit", "plugins"],
    "imbalkit plan melanoma/merge": ["-m", "imbalkit", "plan", "melanoma/merge"],
}


def main(arguments: list[str]) -> None:
    """Print the processor time of each command, and how much more it is than that of an empty program."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks command_line")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--tables", default="../shared/data/isic_tables", help="folder of the official ISIC tables")
    options = parser.parse_args(arguments)
    environment = {**os.environ, "ISIC_TABLES": options.tables}
    found: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for repeat in range(options.repeats + 1):
        for name, words in COMMANDS.items():
            seconds = processor_time([sys.executable, *words], environment)
            if repeat:
                found[name].append(seconds)
    for name, seconds in found.items():
        more = [a - b for a, b in zip(seconds, found["python -c pass"], strict=True)]
        sys.stdout.write(
            f"{name:<30} {spread(seconds)} s; {statistics.median(more):.2f} s more than an empty program\n"
        )


def processor_time(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.2f} (min {min(values):.2f}, max {max(values):.2f})"
