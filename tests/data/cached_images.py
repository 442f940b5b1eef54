"""Small pictures for tests of the cache, and their pixels read without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from imbalkit_lite.images import ImageRule, read_image

RULE = ImageRule((24, 16))


def write_images(folder: Path, count: int, start: int = 0) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(start, start + count):
        path = folder / f"{index}.png"
        pixels = np.random.default_rng(index).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        paths.append(str(path))
    return paths


def direct(paths):
    return np.stack([read_image(path, RULE) for path in paths])
