"""Everything that a GPU is measured at, in one call of under nine minutes; each part is a script of its own beside this one.

python -m tests.benchmarks gpu [--data ../shared/data/ham10000] [--rows 1500] [--only radial_blur losses] [--minutes 9]

Prints the device and versions, then what each part prints, and at the end the same as rows for docs/performance.md. A part that
fails says so, and the others go on; when the minutes are over, the part at work is ended, and those after it are left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time

import torch

PARTS = {
    "radial_blur": ["--what", "gpu", "--size", "320", "--repeats", "20"],
    "losses": ["--device", "cuda", "--repeats", "100"],
    "scoring": ["--accelerator", "cuda", "--rows", "5120", "--size", "224", "--batch", "128"],
    "blur_epoch": ["--rows", "5120", "--repeats", "3"],
    "methods": ["--device", "cuda", "--rows", "2560", "--repeats", "3"],
    "second_stage": ["--accelerator", "cuda"],
    "cifar": ["--accelerator", "cuda"],
    "training_speed": ["--later", "2", "--repeats", "2"],
}


def main(arguments: list[str]) -> None:
    """Run the parts one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks gpu")
    parser.add_argument("--data", default="../shared/data/ham10000", help="folder of a labels.csv")
    parser.add_argument("--rows", type=int, default=1500, help="photographs to train on")
    parser.add_argument("--only", nargs="*", choices=[*PARTS], default=[*PARTS])
    parser.add_argument("--minutes", type=float, default=9.0, help="for all parts together")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        sys.exit("no CUDA device here")
    write(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}\n")
    until = time.monotonic() + 60 * options.minutes
    rows = ["| part | figures | seconds |", "| --- | --- | --- |"]
    for name in options.only:
        words = list(PARTS[name])
        if name == "training_speed":
            words += ["--data", options.data, "--rows", str(options.rows)]
        write(f"\n{name} {' '.join(words)}\n")
        started = time.monotonic()
        lines, ended = run_part(name, words, until - started)
        seconds = time.monotonic() - started
        write(f"({ended}, {seconds:.0f} s)\n")
        figures = [line.replace("|", "/") for line in lines] if ended == "whole" else [*lines[-3:], ended]
        rows.append(f"| `{name} {' '.join(words)}` | {'<br>'.join(figures)} | {seconds:.0f} |")
    write("\n" + "\n".join(rows) + "\n")


def run_part(name: str, words: list[str], seconds: float) -> tuple[list[str], str]:
    """Run a part in a process of its own, which shows what it prints: its lines, and how it ended."""
    if seconds <= 0:
        return [], "left out: no time left"
    command = [sys.executable, "-u", "-m", "tests.benchmarks", name, *words]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        clock = threading.Timer(seconds, process.kill)
        clock.start()
        assert process.stdout is not None
        for line in process.stdout:
            write(line)
            lines.append(line.rstrip())
        process.wait()
        clock.cancel()
    if process.returncode == -9:
        return lines, "ended: no time left"
    return lines, "whole" if process.returncode == 0 else "failed"


def write(text: str) -> None:
    """Show text at once."""
    sys.stdout.write(text)
    sys.stdout.flush()
