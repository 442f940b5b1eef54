"""First decode of a set into the cache against PIL in a DataLoader with a worker a core: the same pixels, checked.

python -m tests.benchmarks first_decode [--folder ../shared/data/ham10000] [--size 128] [--repeats 5]

Every `.jpg` below the folder is decoded and squashed to the size, bilinearly. The peer is a Dataset as one writes it: open,
convert, resize, an array; batches of 64 as DataLoader collates them, copied into one array. The cache does more: it
hashes, and writes pixels and index to the disk.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from imbalkit.data.cache import Cache, available_cores
from imbalkit.data.image_store import CachedImages
from imbalkit_lite.folders import list_images
from imbalkit_lite.images import ImageRule
from tests.benchmarks._timing import alternate, ratios, spread


class Pictures(Dataset):
    """The plain way."""

    def __init__(self, paths: list[str], size: int):
        self.paths, self.size = paths, size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self.paths[index]) as image:
            return torch.from_numpy(np.array(image.convert("RGB").resize((self.size, self.size), Image.BILINEAR)))


def main(arguments: list[str]) -> None:
    """Alternate the two and print images a second and the ratio pair by pair."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks first_decode")
    parser.add_argument("--folder", type=Path, default=Path("../shared/data/ham10000"))
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--images", type=int, default=0, help="the first so many (default: all)")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    paths = [str(options.folder / name) for name in list_images(options.folder)][: options.images or None]
    with tempfile.TemporaryDirectory() as root:
        rule, folders = ImageRule((options.size, options.size)), map(str, itertools.count())

        def ours() -> CachedImages:
            return Cache(Path(root, next(folders)), rule).fill(paths)

        peer = partial(load, paths, options.size)
        kept, pixels = ours().take(range(len(paths))), peer()  # warm-up: the files are in the page cache from here on
        if not np.array_equal(kept, pixels):
            sys.stdout.write(f"pixels differ by up to {np.abs(kept.astype(int) - pixels).max()}\n")
        times = alternate({"imbalkit": ours, "DataLoader": peer}, options.repeats)
    sys.stdout.write(
        f"{len(paths)} images to {options.size} px, {available_cores()} cores\n"
        + "".join(
            f"{name:12}{spread([len(paths) / taken.clock for taken in found], 0)} images a second\n"
            for name, found in times.items()
        )
        + f"DataLoader's time, of imbalkit's: {ratios(times['DataLoader'], times['imbalkit'])}\n"
    )


def load(paths: list[str], size: int) -> np.ndarray:
    """One pass of the plain way, all pixels in one array."""
    pixels = np.empty((len(paths), size, size, 3), dtype=np.uint8)
    done = 0
    for batch in DataLoader(Pictures(paths, size), batch_size=64, num_workers=available_cores()):
        pixels[done : done + len(batch)] = batch
        done += len(batch)
    return pixels
