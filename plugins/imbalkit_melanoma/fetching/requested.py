"""Which images the sets need, by the official tables, and which of them are on disk."""

from __future__ import annotations

import csv
from pathlib import Path

from imbalkit_lite.folders import list_images
from imbalkit_melanoma.datasets.table_files import isic_id
from imbalkit_melanoma.fetching.sources import Source


def requested_names(folder: Path, source: Source, melanomas_only: bool = False) -> list[str]:
    """The archive's names of a source's images, each once, in the order of its table.

    Args:
        folder: holds `tables`
        source: whose first table is read
        melanomas_only: only the rows with a 1 in the column MEL, as the paper's merge takes them from ISIC 2019
    """
    path = folder / "tables" / source.tables[0].name
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = [isic_id((row[source.key] or "").strip()) for row in rows if not melanomas_only or _is_one(row["MEL"])]
    return list(dict.fromkeys(names))


def _is_one(cell: str | None) -> bool:
    try:
        return float(cell or 0) == 1
    except ValueError:
        return False


def images_on_disk(folder: Path) -> dict[str, Path]:
    """Image files below the folder `images` by the archive's name, as the data sets find them."""
    root = folder / "images"
    paths = (root / name for name in list_images(root))
    return {isic_id(path.stem): path for path in paths}
