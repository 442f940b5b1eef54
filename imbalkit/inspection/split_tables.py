"""Finds a table a split for `imbalkit init`: train/metadata.csv beside its pictures, or train.csv beside the folder train."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from imbalkit.data.split_names import SPLITS, mentions_split, split_like
from imbalkit.errors import DataError
from imbalkit.inspection.columns import inspect_table
from imbalkit.inspection.findings import Findings

TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")


def tables_in(folder: Path) -> list[Path]:
    """The tables directly in a folder, sorted."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in TABLES and file.is_file() and not file.name.startswith(".")
    )


def find_split_tables(folder: Path) -> dict[str, Path]:
    """Split -> its table; empty where there are not tables of several splits, train among them."""
    found: dict[str, Path] = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        split, tables = split_like(place.name), tables_in(place)
        named = [table for table in tables if table.stem.lower() == "metadata"]
        if split is not None and (len(named) == 1 or len(tables) == 1):
            found.setdefault(split, *(named or tables))
    if not found:
        splits = {table: mentions_split(table.stem) for table in tables_in(folder)}
        found = {split: table for table, split in splits.items() if split and list(splits.values()).count(split) == 1}
    found = {split: found[split] for split in dict.fromkeys(SPLITS.values()) if split in found}
    return found if len(found) > 1 and "train" in found else {}


def inspect_split_tables(tables: dict[str, Path], root: Path | None, label: str | None) -> Findings:
    """The part that reads them, with the columns guessed from the training table.

    A table that does not fit, such as a test without labels, is left out with a hint. Raises DataError where nothing fits.
    """
    first = inspect_table(tables["train"], root, label)
    part_class: Any = type(first.part)
    given = first.part.model_dump(exclude_defaults=True)
    del given["name"]
    given.pop("split_column", None)
    files = {"train": given.pop("file")}
    roots = {"train": str(given.pop("root", tables["train"].parent))}
    hints = []
    for split, file in tables.items():
        why = None
        for place in _roots_like(roots["train"], tables["train"], file, split) if split != "train" else ():
            try:
                part_class(file=str(file), root=str(place), **given).load()
            except DataError as error:
                why = why or error
            else:
                files[split], roots[split] = str(file), str(place)
                break
        if split not in files:
            hints.append(f"{file} is left out: {why}")
    if len(files) == 1:
        first.hints += hints
        return first
    if any(Path(place) != Path(files[split]).parent for split, place in roots.items()):
        given["root"] = roots if len(set(roots.values())) > 1 else roots["train"]
    part = part_class(file=files, **given)
    table = part.load()
    groups = first.groups
    if "group_column" in given:
        torn = int((table.frame.groupby("group")["split"].nunique() > 1).sum())
        if torn:
            hints.append(f"{torn} values of {given.pop('group_column')!r} are in two splits: not used as groups")
            part, groups = part_class(file=files, **given), []
            table = part.load()
    return Findings(part, table, first.labels, groups, hints=[*first.hints, *hints], finer=first.finer)


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
    return Findings(part, part.load(), first.labels, first.groups, hints=first.hints, finer=first.finer)


def _roots_like(root: str, train: Path, file: Path, split: str) -> Iterator[Path]:
    """Where the images of a split's table may be, given where those of the training table are."""
    parts = Path(os.path.relpath(root, train.parent)).parts
    for level, name in enumerate(parts):
        above = file.parent.joinpath(*parts[:level])
        if mentions_split(name) == "train" and above.is_dir():
            for place in sorted(above.iterdir()):
                if place.is_dir() and mentions_split(place.name) == split:
                    yield place.joinpath(*parts[level + 1 :])
    yield file.parent.joinpath(*parts)
