"""What `imbalkit init` makes of a container: class folders in it, or a table beside it that names its images."""

from __future__ import annotations

from pathlib import Path

from imbalkit.errors import DataError, listing
from imbalkit.inspection.columns import inspect_table
from imbalkit.inspection.findings import Findings
from imbalkit.inspection.folders import class_folders
from imbalkit.inspection.split_tables import TABLES, tables_in
from imbalkit_lite.containers import is_container, split_address
from imbalkit_lite.folders import list_folder


def holds_images(place: Path) -> bool:
    """Whether a path is a container, or leads into one, that is no table itself."""
    if split_address(place) is not None:
        return True
    return place.suffix.lower() not in TABLES and is_container(place) and bool(list_folder(place).images)


def inspect_container(path: Path, label: str | None) -> Findings:
    """The dataset part that reads a container's images. Raises DataError where nothing fits."""
    images = list_folder(path).images
    tops = list(dict.fromkeys(image.split("/")[0] for image in images if "/" in image))
    if len(tops) > 1:
        return class_folders(path)
    address = split_address(path)
    beside = Path(path if address is None else address.place).absolute().parent
    why = []
    for table in tables_in(beside):
        try:
            return inspect_table(_as_given(table, path), path, label)
        except DataError as error:
            why.append(str(error))
    raise DataError(
        f"expected one folder a class in {path}, or a table beside it that names its {len(images):,} images; found "
        + (f"images in {listing(tops) or 'no folder'}" if not why else "; ".join(why))
    )


def _as_given(table: Path, container: Path) -> Path:
    """A table beside a container, as the container is spelt: relative to here, or not."""
    return table if container.is_absolute() else container.parent / table.name
