"""Time of the radial blur against OpenCV on the CPU, and against one copy of the batch on a GPU; how far its methods differ.

python -m tests.benchmarks radial_blur [--batch 64] [--size 320] [--threads 2] [--repeats 9]
python -m tests.benchmarks radial_blur --what accuracy

CPU: a loop of OpenCV's remap and addWeighted over the images, float32, its maps prepared beforehand; rho differs by image.
GPU (batch 256 unless --batch): float32 and bfloat16, eager and compiled, against `Tensor.copy_` on the device.
Accuracy: iterated and composed against the blur of the picture itself, where it is a sum of waves, and against each other.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from imbalkit.functional.radial_blur import METHODS, radial_blur

PHOTOS = Path(__file__).resolve().parents[2] / "../shared/data/ham10000/images"
ITERATIONS = 5


def main(arguments: list[str]) -> None:
    """Print what this machine can measure, and what it lacks."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks radial_blur")
    parser.add_argument("--what", choices=["cpu", "gpu", "accuracy", "speed"], default="speed")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--threads", type=int, help="of PyTorch and of OpenCV (default: what each takes by itself)")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args(arguments)
    if options.what == "accuracy":
        accuracy(options.size)
    if options.what in ("cpu", "speed"):
        on_cpu(options)
    if options.what in ("gpu", "speed"):
        if torch.cuda.is_available():
            on_gpu(options)
        else:
            sys.stdout.write("GPU: none here, so nothing measured against a device-to-device copy\n")


def on_cpu(options: argparse.Namespace) -> None:
    """Both methods and OpenCV in turn, so that a busy machine slows all of them."""
    import cv2

    if options.threads:
        torch.set_num_threads(options.threads)
        cv2.setNumThreads(options.threads)
    images, rho = batch(options.batch or 64, options.size)
    peer = opencv(images, rho)
    works: dict[str, Callable[[], object]] = {
        method: partial(radial_blur, images, rho, ITERATIONS, method=method) for method in METHODS
    }
    difference = np.abs(works["iterated"]().numpy() - peer().transpose(0, 3, 1, 2)).max()
    times = alternate({"OpenCV": peer, **works}, options.repeats, time.perf_counter)
    sys.stdout.write(
        f"CPU: {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, OpenCV {cv2.__version__} "
        f"with {cv2.getNumThreads()}; {list(images.shape)} float32, {ITERATIONS} iterations\n"
        f"iterated differs from OpenCV by at most {difference:.1e}\n"
    )
    for method in METHODS:
        report(method, times[method], times["OpenCV"])


def opencv(images: torch.Tensor, rho: torch.Tensor) -> Callable[[], np.ndarray]:
    """The chain of remap and addWeighted over images [B, C, H, W], as a function to [B, H, W, C]."""
    import cv2

    pictures = np.ascontiguousarray(images.numpy().transpose(0, 2, 3, 1))
    height, width = pictures.shape[1:3]
    u, v = np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2

    def zoom(factor: float) -> list[np.ndarray]:
        grid = np.meshgrid(factor * u + (width - 1) / 2, factor * v + (height - 1) / 2)
        return [positions.astype(np.float32) for positions in grid]

    maps = [(zoom(1 + r), zoom(1 - r)) for r in rho.double().tolist()]

    def work() -> np.ndarray:
        results = np.empty_like(pictures)
        for index, (expand, shrink) in enumerate(maps):
            image = pictures[index]
            for _ in range(ITERATIONS):
                larger = cv2.remap(image, *expand, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
                smaller = cv2.remap(image, *shrink, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
                image = cv2.addWeighted(larger, 0.5, smaller, 0.5, 0)
            results[index] = image
        return results

    return work


def on_gpu(options: argparse.Namespace) -> None:
    """Both methods, eager and compiled, against one copy of the batch."""
    sys.stdout.write(f"GPU: {torch.cuda.get_device_name()}, PyTorch {torch.__version__}\n")
    for dtype in (torch.float32, torch.bfloat16):
        images, rho = batch(options.batch or 256, options.size)
        images, rho = images.to("cuda", dtype), rho.cuda()
        target = torch.empty_like(images)
        works: dict[str, Callable[[], object]] = {"copy": partial(target.copy_, images)}
        for method in METHODS:
            works[method] = partial(radial_blur, images, rho, ITERATIONS, method=method)
            compiled = torch.compile(partial(radial_blur, iterations=ITERATIONS, method=method))
            works[f"{method}, compiled"] = partial(compiled, images, rho)
        times = alternate(works, options.repeats, synchronised)
        sys.stdout.write(f"{list(images.shape)} {dtype}\n")
        for name in list(works)[1:]:
            report(name, times[name], times["copy"])


def synchronised() -> float:
    torch.cuda.synchronize()
    return time.perf_counter()


def alternate(
    works: dict[str, Callable[[], object]], repeats: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each work, one after the other in each repeat, after a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(repeats + 1):
        for name, work in works.items():
            started = clock()
            work()
            if repeat >= 1:
                times[name].append(clock() - started)
    return times


def report(name: str, ours: list[float], theirs: list[float]) -> None:
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    sys.stdout.write(
        f"  {name:20} {1e3 * statistics.median(ours):8.2f} ms against {1e3 * statistics.median(theirs):8.2f} ms: "
        f"ratio median {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})\n"
    )


def batch(count: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random pictures and a rho for each."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(count, 3, size, size, generator=generator)
    return images, 0.005 + 0.015 * torch.rand(count, generator=generator)


def accuracy(size: int) -> None:
    """Largest and mean difference, of a range of 1, at rho 0.02: pixels whose light all comes from inside the picture."""
    inner = slice(math.ceil(size * 0.06), size - math.ceil(size * 0.06))
    sys.stdout.write(f"{size} px, rho 0.02, {ITERATIONS} iterations, float64, largest (mean) difference\n")
    for wavelength in (32, 16, 8, 4):
        picture, truth = waves(size, wavelength)
        found = [radial_blur(picture, 0.02, ITERATIONS, method=method) - truth for method in METHODS]
        differences(f"waves of {wavelength} px, from their own blur", dict(zip(METHODS, found, strict=True)), inner)
    files = sorted(PHOTOS.glob("*.jpg"))[:32]
    if not files:
        sys.stdout.write("photographs: shared/data/ham10000 is not here\n")
        return
    from PIL import Image

    photos = np.stack([np.asarray(Image.open(file).convert("RGB").resize((size, size), Image.BOX)) for file in files])
    images = torch.from_numpy(photos).permute(0, 3, 1, 2).double() / 255
    iterated, composed = (radial_blur(images, 0.02, ITERATIONS, method=method) for method in METHODS)
    for where, part in (("inside", inner), ("all", slice(None))):
        differences(f"{len(files)} photographs, {where}", {"of the two": composed - iterated}, part)


def differences(what: str, found: dict[str, torch.Tensor], part: slice) -> None:
    parts = {name: values[..., part, part].abs() for name, values in found.items()}
    figures = ", ".join(f"{name} {values.max():.4f} ({values.mean():.4f})" for name, values in parts.items())
    sys.stdout.write(f"  {what}: {figures}\n")


def waves(size: int, wavelength: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Four waves in random directions sampled at pixels, 0..1, and the blur of the very waves; [1, 1, size, size]."""
    generator = torch.Generator().manual_seed(1)
    angles, phases = 2 * math.pi * torch.rand(2, 4, generator=generator, dtype=torch.float64)
    along = torch.arange(size, dtype=torch.float64) - (size - 1) / 2

    def picture(scale: float) -> torch.Tensor:
        total = torch.zeros(size, size, dtype=torch.float64)
        for angle, phase in zip(angles, phases, strict=True):
            x, y = scale * along * torch.cos(angle), scale * along[:, None] * torch.sin(angle)
            total += torch.cos(2 * math.pi / wavelength * (x + y) + phase) / 8
        return (total + 0.5)[None, None]

    rho, n = 0.02, ITERATIONS
    scaled = [math.comb(n, k) / 2**n * picture((1 + rho) ** k * (1 - rho) ** (n - k)) for k in range(n + 1)]
    return picture(1.0), torch.stack(scaled).sum(0)
