"""What `imbalkit init` makes of a container (class folders, or a table beside it) and of Parquet files that are one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imbalkit.data.split_names import SPLITS, mentions_split
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


def inspect_parts(tables: list[Path], label: str | None) -> Findings:
    """The part that reads Parquet files which are one table, or one a split by their names (train-00000-of-00002.parquet)."""
    first = inspect_table(tables[0], None, label)
    given = first.part.model_dump(exclude_defaults=True)
    del given["name"], given["file"]
    files: dict[str, list[str]] = {}
    for table in tables:
        files.setdefault(mentions_split(table.stem) or "", []).append(str(table))
    by_split = {split: files[split] for split in dict.fromkeys(SPLITS.values()) if split in files}
    several = "train" in by_split and len(by_split) > 1 and "" not in files
    part_class: Any = type(first.part)
    part = part_class(file=by_split if several else [str(table) for table in tables], **given)
    return Findings(part, part.load(), first.labels, first.groups, hints=first.hints)
