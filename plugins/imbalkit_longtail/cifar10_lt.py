"""CIFAR-10-LT as a folder of images and tables, from torchvision's CIFAR-10.

python -m imbalkit_longtail.cifar10_lt FOLDER
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

IMBALANCES, LARGEST = (100, 10), 5000


def class_counts(imbalance: float, largest: int, classes: int) -> list[int]:
    """Training rows of each class: largest * imbalance^(-c / (C - 1)), rounded down (Cao et al. 2019, `get_img_num_per_cls`)."""
    return [int(largest * (1 / imbalance) ** (label / (classes - 1.0))) for label in range(classes)]


def chosen_rows(labels: np.ndarray, counts: list[int], seed: int = 0) -> np.ndarray:
    """Positions of the training rows, class after class: the draws of the code of LDAM-DRW (`gen_imbalanced_data`).

    Args:
        labels: of all rows, int [n]
        counts: how many rows of each class
        seed: of NumPy's legacy generator; published code uses 0
    """
    draws = np.random.RandomState(seed)
    rows = []
    for label, count in enumerate(counts):
        of_class = np.flatnonzero(labels == label)
        draws.shuffle(of_class)
        rows.append(of_class[:count])
    return np.concatenate(rows)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--source",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of torchvision's CIFAR-10 (default: FOLDER).",
)
@click.option("--download/--no-download", default=True, help="Whether torchvision may download what is missing.")
def main(folder: Path, source: Path | None, download: bool) -> None:
    """Write FOLDER with PNG images, imbalance_100.csv and imbalance_10.csv: path, label, split."""
    from torchvision.datasets import CIFAR10

    try:
        parts = {
            name: CIFAR10(source or folder, train=name == "train", download=download) for name in ("train", "test")
        }
    except RuntimeError as error:
        raise click.ClickException(f"CIFAR-10 is not in {source or folder}: {error}") from error
    labels = np.array(parts["train"].targets)
    kept = {imbalance: chosen_rows(labels, class_counts(imbalance, LARGEST, 10)) for imbalance in IMBALANCES}
    write_images(folder, "train", parts["train"], np.unique(np.concatenate(list(kept.values()))))
    test = write_images(folder, "test", parts["test"], np.arange(len(parts["test"])))
    for imbalance, rows in kept.items():
        lines = [line("train", parts["train"], row) for row in rows] + test
        table = folder / f"imbalance_{imbalance}.csv"
        table.write_text("\n".join(["path,label,split", *lines]) + "\n", encoding="utf-8")
        click.echo(f"{table}: {len(rows):,} training rows, {len(test):,} of the test")


def write_images(folder: Path, split: str, data: CIFAR10, rows: np.ndarray) -> list[str]:
    """Write the images of some rows as PNG; their lines of a table."""
    for name in data.classes:
        (folder / split / name).mkdir(parents=True, exist_ok=True)
    lines = [line(split, data, row) for row in rows]
    for row, text in zip(rows, lines, strict=True):
        Image.fromarray(data.data[row]).save(folder / text.split(",")[0])
    return lines


def line(split: str, data: CIFAR10, row: int) -> str:
    """A row's line of a table: path, label, split."""
    name = data.classes[data.targets[row]]
    return f"{split}/{name}/{row}.png,{name},{split}"


if __name__ == "__main__":
    main()
