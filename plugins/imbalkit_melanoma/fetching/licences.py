"""`licences.csv`: what the ISIC Archive states of each image, its licence and attribution among it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imbalkit.errors import DataError
from imbalkit_lite.files import write_atomic
from imbalkit_lite.text import cell, unquoted

if TYPE_CHECKING:
    from imbalkit_melanoma.fetching.archive_api import ArchiveImage

NAME = "licences.csv"
COLUMNS = ("isic_id", "bytes", "copyright_license", "attribution")


@dataclass(frozen=True)
class Statement:
    """One row of the table."""

    isic_id: str
    size: int  # bytes
    licence: str
    attribution: str


def read_licences(folder: Path) -> dict[str, Statement]:
    """By image, empty if there is no such table. Raises DataError for a table of another form."""
    path = folder / NAME
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [[row[column] for column in COLUMNS] for row in csv.DictReader(stream)]
        return {row[0]: Statement(row[0], int(row[1]), *map(unquoted, row[2:4])) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not what fetch wrote ({type(error).__name__}: {error}): delete it; images on disk are then "
            "checked, not downloaded again"
        ) from None


def write_licences(folder: Path, statements: Iterable[Statement]) -> None:
    """The table, whole or not at all."""

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(COLUMNS)
            writer.writerows(map(cell, astuple(statement)) for statement in statements)

    write_atomic(folder / NAME, write)


def summarise(statements: Iterable[Statement | ArchiveImage]) -> str:
    """How many images there are of each licence and attribution, most first; "" for none."""
    counts = Counter((statement.licence, statement.attribution) for statement in statements)
    if not counts:
        return ""
    lines = [f"- {licence}, {count:,} images: {attribution}" for (licence, attribution), count in counts.most_common()]
    return "\n".join([f"As the ISIC Archive states it of each image ({NAME}):", *lines, ""])
