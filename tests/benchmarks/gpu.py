"""Everything that a GPU is measured at, in one call of some minutes; each part is a script of its own beside this one.

python -m tests.benchmarks gpu [--data ../shared/data/ham10000] [--rows 1500] [--only radial_blur losses]

Prints the device and versions, then what each part prints. A part that fails says so, and the others go on.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import traceback

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
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        sys.exit("no CUDA device here")
    sys.stdout.write(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}\n")
    for name in options.only:
        words = list(PARTS[name])
        if name == "training_speed":
            words += ["--data", options.data, "--rows", str(options.rows)]
        sys.stdout.write(f"\n{name} {' '.join(words)}\n")
        sys.stdout.flush()
        started = time.perf_counter()
        try:
            importlib.import_module(f"tests.benchmarks.{name}").main(words)
        except Exception:
            sys.stdout.write(f"{name} failed:\n{traceback.format_exc()}")
        sys.stdout.write(f"({time.perf_counter() - started:.0f} s)\n")
        sys.stdout.flush()
