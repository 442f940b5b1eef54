"""tracking.json of a run or sweep folder: which run of a tracker it is, and which epochs that run has already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imbalkit.base.files import read_json, write_json

FILE = "tracking.json"


def read_record(folder: Path, tracker: str) -> dict[str, Any]:
    """What a tracker keeps of a folder; empty if it keeps nothing."""
    return read_json(folder / FILE).get(tracker, {})


def write_record(folder: Path, tracker: str, facts: Mapping[str, Any]) -> None:
    """Keep what a tracker needs to find the folder's run again. Raises WriteError."""
    write_json(folder / FILE, read_json(folder / FILE) | {tracker: dict(facts)})


def read_parent(folder: Path, tracker: str) -> dict[str, Any]:
    """What is kept of the sweep that a folder is a cell of (`SWEEP/cells/CELL`), or the run that it is a fold of; else empty."""
    for parent in folder.absolute().parents[:2]:
        facts = read_record(parent, tracker)
        if facts:
            return facts
    return {}
