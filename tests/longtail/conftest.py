"""A small stand-in for the folder of CIFAR-10-LT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture(scope="session")
def cifar10_lt(tmp_path_factory) -> Path:
    """30 to 3 training rows of ten classes, 2 test rows of each, as both imbalances."""
    folder, draws = tmp_path_factory.mktemp("cifar10_lt"), np.random.default_rng(0)
    lines = ["path,label,split"]
    for code, name in enumerate(CLASSES):
        for split, rows in (("train", int(30 * 0.1 ** (code / 9))), ("test", 2)):
            (folder / split / name).mkdir(parents=True)
            for row in range(rows):
                pixels = draws.integers(0, 255, (32, 32, 3)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{row}.png")
                lines.append(f"{split}/{name}/{row}.png,{name},{split}")
    for imbalance in (10, 100):
        (folder / f"imbalance_{imbalance}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def ham10000(tmp_path_factory) -> Path:
    """12 photographs of each of the seven diagnoses of HAM10000, each of a lesion of its own."""
    folder, draws = tmp_path_factory.mktemp("ham10000"), np.random.default_rng(0)
    lines = ["isic_id,path,melanoma,dx,lesion_id"]
    for row in range(84):
        diagnosis = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")[row % 7]
        pixels = draws.integers(0, 255, (32, 32, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"I{row},{row}.png,{int(diagnosis == 'mel')},{diagnosis},L{row}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder
