"""The rows of a run that a file is compared on, and those that int8 is fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.errors import DataError
from imbalkit.recipe.inputs import rows_of
from imbalkit.runs.restored import Restored
from imbalkit_lite.card import Input
from imbalkit_lite.columns import CategoryColumn, ColumnCodes, ColumnEncoding
from imbalkit_lite.model import input_tensor

SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class Rows:
    """Images of the size that the network takes.

    Attributes:
        pixels: uint8 [n, H, W, C]
        labels: class codes, int [n]; None for synthetic images
        kind: "validation", "train" or "synthetic"
        columns: what the network takes beside the images, float32 [n, W]; None for nothing
        codes: of a network without images: the columns as a file takes them, float32 [n, K]
    """

    pixels: np.ndarray
    labels: np.ndarray | None
    kind: str
    columns: np.ndarray | None = None
    codes: np.ndarray | None = None

    def of_file(self, source: Input | None) -> tuple[np.ndarray, ...]:
        """What a file is given: images as `source` states them and the columns beside them, or the codes of columns alone."""
        if source is not None:
            return (input_tensor(self.pixels, source), *self.beside)
        assert self.codes is not None
        return (self.codes,)

    @property
    def beside(self) -> tuple[np.ndarray, ...]:
        """The columns, or nothing."""
        return () if self.columns is None else (self.columns,)

    def __len__(self) -> int:
        return len(self.pixels)


def rows_of_run(restored: Restored, most: int) -> Rows:
    """Validation rows of the run's own data, every beginning with the classes in proportion; training rows without validation.

    Args:
        restored: the run
        most: how many rows at most

    Raises:
        DataError: data that are gone or have changed; says how to go on without them
    """
    try:
        store, table, split = restored.images(), restored.prepared.table, restored.prepared.split
    except DataError as error:
        raise DataError(
            f"{error}\n  The file is to be compared with the network on them. With --synthetic it is compared on "
            "synthetic images instead, which cannot show how its metrics change."
        ) from error
    bad = [image.index for image in getattr(store, "bad", ())]
    kind = "validation" if len(split.validation) else "train"
    samples = np.setdiff1d(getattr(split, kind), np.asarray(bad, dtype=np.int64))
    labels = table.labels[samples]
    chosen = in_proportion(labels, restored.recipe.seed)[:most]
    columns, taken = restored.columns, samples[chosen]
    beside = None if columns is None else columns[taken]
    codes = None
    if restored.encoding is not None and not restored.context.channels:
        cells = rows_of(restored.prepared.table, restored.encoding.names)
        codes = ColumnCodes(restored.encoding.columns).encode(cells[row] for row in taken)
    return Rows(store.take(taken), labels[chosen].astype(np.int64), kind, beside, codes)


def synthetic_rows(restored: Restored, rows: int = 32) -> Rows:
    """Synthetic images, uint8 [rows, H, W, C]: coarse blotches of several strengths on grey, and fine noise."""
    random = generator(0, "synthetic pictures")
    (height, width), channels = restored.context.image_size, restored.context.channels
    coarse = random.normal(size=(rows, 4, 4, channels)).repeat(-(-height // 4), 1).repeat(-(-width // 4), 2)
    strength = np.linspace(0, 1, rows)[:, None, None, None]
    images = 128 + 90 * strength * coarse[:, :height, :width] + 20 * random.normal(size=(rows, height, width, channels))
    columns, codes = None, None
    if restored.encoding is not None:
        cells = _synthetic_cells(restored.encoding, rows)
        columns = restored.encoding.encode(cells)
        codes = None if channels else ColumnCodes(restored.encoding.columns).encode(cells)
    return Rows(np.clip(images, 0, 255).astype(np.uint8), None, SYNTHETIC, columns, codes)


def _synthetic_cells(encoding: ColumnEncoding, rows: int) -> list[dict[str, Any]]:
    """Rows of which a tenth is missing, numbers as spread as in training, every category as frequent as any other."""
    random = generator(0, "synthetic columns")
    found = []
    for _ in range(rows):
        row: dict[str, Any] = {}
        for column in encoding.columns:
            if isinstance(column, CategoryColumn):
                row[column.name] = column.values[random.integers(len(column.values))]
            else:
                row[column.name] = column.mean + column.std * random.normal()
        found.append({name: cell for name, cell in row.items() if random.random() > 0.1})
    return found


def in_proportion(labels: np.ndarray, seed: int) -> np.ndarray:
    """An order of rows, int [n], of which every beginning has the classes in their proportion, within a row of each."""
    ranks, counts = _ranks(labels, seed)
    return np.argsort((ranks + 0.5) / counts[labels], kind="stable")


def evenly(labels: np.ndarray, seed: int) -> np.ndarray:
    """An order of rows, int [n], of which every beginning has as many of each class, as long as it lasts."""
    return np.argsort(_ranks(labels, seed)[0], kind="stable")


def _ranks(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Each row's place among those of its class in a random order, int [n], and the rows of each class."""
    shuffled = generator(seed, "rows of an export").permutation(len(labels))
    ranks = np.empty(len(labels), dtype=np.int64)
    counts = np.bincount(labels, minlength=1)
    for label in range(len(counts)):
        own = shuffled[labels[shuffled] == label]
        ranks[own] = np.arange(len(own))
    return ranks, counts
