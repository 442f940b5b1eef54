"""Training, images a second, of JPEG files: imbalkit against timm's usual pipeline and fastai, and against random tensors.

python -m tests.benchmarks training_speed [--data ../shared/data/ham10000] [--rows 640] [--repeats 3] [--only timm fastai]

The same network, batch, optimiser, learning rate and size for all. With a GPU: EfficientNet-B0 at 224 px in bf16, batch 128;
without: MobileNetV1 0.75 at 128 px in float32, batch 64. A first epoch starts from files (imbalkit fills an empty cache in
it), a later one from what the first left. fastai is not a dependency: `pip install fastai`, or it is left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import torch

from imbalkit.data.cache import available_cores
from tests.benchmarks import _trainings
from tests.benchmarks._timing import Taken, in_a_process, ratios, spread, take

GPU = torch.cuda.is_available()


def main(arguments: list[str]) -> None:
    """Alternate all of them, each in a process of its own, and print images a second of the first and of a later epoch."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks training_speed")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ham10000"), help="folder of a labels.csv")
    parser.add_argument("--rows", type=int, default=0, help="the first so many (default: all on a GPU, 640 on a CPU)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--later", type=int, default=1, help="epochs after the first")
    parser.add_argument("--only", nargs="*", help=f"of {', '.join(_trainings.ALL)} (imbalkit always runs)")
    options = parser.parse_args(arguments)
    setting = _trainings.Setting.of_gpu() if GPU else _trainings.Setting.of_cpu()
    table = pd.read_csv(options.data / "labels.csv").head(options.rows or (None if GPU else 640))
    names = ["imbalkit", *(name for name in _trainings.ALL if name in (options.only or _trainings.ALL))]
    first: dict[str, list[Taken]] = {name: [] for name in names}
    later: dict[str, list[Taken]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        root = class_folders(table, options.data, Path(folder) / "images")
        for _ in range(options.repeats):
            for name in list(names):
                try:
                    times = in_a_process(train, name, root, 1 + options.later)
                except ImportError as error:
                    sys.stdout.write(f"{name} is left out: {error}\n")
                    names.remove(name)
                    continue
                first[name].append(times[0])
                later[name].extend(times[1:])
    device = torch.cuda.get_device_name() if GPU else f"{available_cores()} cores, {torch.get_num_threads()} threads"
    sys.stdout.write(
        f"{len(table)} images, {setting.size} px, batch {setting.batch}, {setting.backbone.name}, {device}\n"
    )
    for name in names:
        for what, times in (("first", first), ("later", later)):
            speed = spread([len(table) / taken.clock for taken in times[name]], 1)
            line = f"{name:20}{what:6} {speed} images a second"
            if name != "imbalkit":
                line += f"; its time, of imbalkit's: {ratios(times[name], times['imbalkit'])}"
            sys.stdout.write(line + "\n")


def class_folders(table: pd.DataFrame, data: Path, root: Path) -> Path:
    """Links to the images in one folder a class, as the peers want them."""
    for path, label in zip(table["path"], table["melanoma"], strict=True):
        link = root / ("melanoma" if label else "other") / Path(path).name
        link.parent.mkdir(parents=True, exist_ok=True)
        os.symlink((data / path).resolve(), link)
    return root


def train(name: str, root: Path, epochs: int) -> list[Taken]:
    """What each epoch of a training takes."""
    setting = _trainings.Setting.of_gpu() if GPU else _trainings.Setting.of_cpu()
    training = getattr(_trainings, name)(root, setting, epochs)
    next(training)
    return [take(partial(one, training)) for _ in range(epochs)]


def one(epochs: Iterator[None]) -> None:
    """The next epoch, until the device is done."""
    next(epochs)
    if GPU:
        torch.cuda.synchronize()
