"""Training, inference and blur while other processes compute: imbalkit beside timm and OpenCV, and OpenMP's ways to wait.

python -m tests.benchmarks busy_machine [--busy 0 1 2 4] [--spins default 0 1000 20000] [--seconds 4] [--repeats 3]

EfficientNet-Lite0 at 128 px, batch 32, and radial blur of 32 pictures of 128 px, with a thread a core. OpenMP's threads spin at a
barrier before they sleep; `GOMP_SPINCOUNT` says how long, and is read when PyTorch is loaded, so that each measurement is a
process of its own. The ways take turns within each number of busy processes (`while True: pass`, as many as are named).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from imbalkit.builtin.heads import Linear
from tests.benchmarks._timing import spread

DEFAULT = "default"
WORKS = ("training", "training, timm's loop", "inference", "blur", "blur, OpenCV")


def main(arguments: list[str]) -> None:
    """Print what each way does a second, and its ratio to the default."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks busy_machine")
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 2, 4], help="numbers of busy processes")
    parser.add_argument("--spins", nargs="+", default=[DEFAULT, "0", "1000", "20000"], help="values of GOMP_SPINCOUNT")
    parser.add_argument("--seconds", type=float, default=4, help="of each work in each process")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", action="store_true", help="measure in this process (for the script's own use)")
    options = parser.parse_args(arguments)
    if options.work:
        sys.stdout.write(json.dumps({name: rate(work, options.seconds) for name, work in works().items()}))
        return
    for busy in options.busy:
        found: dict[str, dict[str, list[float]]] = {name: {spin: [] for spin in options.spins} for name in WORKS}
        with busy_processes(busy):
            for _ in range(options.repeats):
                for spin in options.spins:
                    for name, value in measured(spin, options.seconds).items():
                        found[name][spin].append(value)
        sys.stdout.write(f"{busy} busy processes on {os.cpu_count()} cores\n")
        for name, by_spin in found.items():
            for spin, values in by_spin.items():
                ratios = [a / b for a, b in zip(values, by_spin[options.spins[0]], strict=True)]
                sys.stdout.write(
                    f"  {name:<22} {spin:>8}: {spread(values, 1)} pictures a second; {statistics.median(ratios):.2f} of "
                    f"{options.spins[0]} (min {min(ratios):.2f}, max {max(ratios):.2f})\n"
                )
        sys.stdout.flush()


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Processes that compute until the end of it."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def measured(spin: str, seconds: float) -> Mapping[str, float]:
    """Pictures a second of each work, in a new process."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    }
    if spin != DEFAULT:
        environment["GOMP_SPINCOUNT"] = spin
    command = [sys.executable, "-m", "tests.benchmarks", "busy_machine", "--work", "--seconds", str(seconds)]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)


def rate(work: Callable[[], int], seconds: float) -> float:
    """Pictures a second: `work` does some and says how many."""
    work()
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        done += work()
    return done / (time.perf_counter() - started)


def works() -> dict[str, Callable[[], int]]:
    """One step of each, which returns how many pictures it was for."""
    import cv2
    import torch
    from timm import create_model

    from imbalkit.builtin.backbones import Timm
    from imbalkit.engine.allocator import freed_memory_kept
    from imbalkit.functional.radial_blur import radial_blur
    from imbalkit.kinds import BuildContext
    from imbalkit.recipe.recipe import OptimizerSettings
    from imbalkit.training.classifier import build_model
    from imbalkit.training.optimization import build_optimizer
    from tests.benchmarks.radial_blur import ITERATIONS, opencv

    freed_memory_kept().__enter__()  # as `imbalkit run` does, until the process ends
    batch, size = 32, 128
    images, labels = torch.rand(batch, 3, size, size), torch.arange(batch) % 2
    rho = torch.full((batch,), 0.0125)
    peer = opencv(images, rho)
    context = BuildContext(("a", "b"), (1, 1), 0, (size, size))

    def step(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> int:
        model.train()
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return batch

    own = build_model(Timm(model="tf_efficientnet_lite0"), Linear(dropout=0.2), context)
    own = own.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(own, OptimizerSettings())
    theirs = create_model("tf_efficientnet_lite0", num_classes=2)
    their_optimizer = torch.optim.AdamW(theirs.parameters(), 1e-3)

    def infer() -> int:
        own.eval()
        with torch.inference_mode():
            own(images)
        return batch

    def blur() -> int:
        radial_blur(images, rho, ITERATIONS)
        return batch

    def blur_opencv() -> int:
        peer()
        return batch

    cv2.setNumThreads(torch.get_num_threads())
    return dict(
        zip(
            WORKS,
            (lambda: step(own, optimizer), lambda: step(theirs, their_optimizer), infer, blur, blur_opencv),
            strict=True,
        )
    )
