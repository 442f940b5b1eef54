"""The run folder: the names of its files, and how they are read and written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

from imbalkit.base.files import read_json, write_json
from imbalkit.base.locks import PATIENCE, held
from imbalkit.errors import RunError, WriteError, listing
from imbalkit.recipe.document import RUN_FACTS, RUN_RECIPE
from imbalkit_lite.files import delete_temporaries, writing
from imbalkit_lite.text import json_text

RECIPE, FACTS, METRICS = RUN_RECIPE, RUN_FACTS, "metrics.json"
PLAN, PREDICTIONS, LOG, WEIGHTS, REPORT = (
    "plan.parquet",
    "predictions.parquet",
    "log.jsonl",
    "model.safetensors",
    "report.html",
)
REMOVED = "removed.csv"
SAMPLES = "samples"  # a folder of samples that were in memory: of a kept run of the estimator
COLUMNS = "columns.json"  # what was fitted of the columns beside the image; only of runs with such inputs
CHECKPOINTS = "checkpoints"
STOP = "stop"  # a file that asks the run to end after the epoch it is in


class AtWorkError(RunError):
    """Another process works on a folder."""

    def __init__(self, folder: Path):
        super().__init__(f"{folder} is being worked on by another process")
        self.folder = folder


def wait_until_free(folder: Path, note: Callable[[str], object], patience: float = PATIENCE) -> None:
    """Wait while another process works on a run folder. Raises RunError if it does not get on for half an hour."""

    def sign() -> object:
        return sorted(
            (file.name, file.stat().st_mtime_ns) for file in folder.glob("*") if not file.name.startswith(".")
        )

    with held(folder / ".lock", f"works on {folder}", note, sign, patience):
        pass


@contextmanager
def locked(folder: Path, others_below: bool = False) -> Iterator[None]:
    """Hold a folder for this process. Raises AtWorkError if another one works on it.

    Args:
        folder: of a run, a sweep or a search
        others_below: other processes may be writing to folders in it, such as cells of a sweep that was killed
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".lock")
    with writing(folder / ".lock"):
        try:
            lock.acquire(timeout=0)
        except Timeout:  # an OSError too
            raise AtWorkError(folder) from None
    delete_temporaries(folder, below=not others_below)
    try:
        yield
    finally:
        lock.release()


def is_finished(folder: Path) -> bool:
    """Whether the run is finished."""
    return (folder / METRICS).exists()


def note(folder: Path, **facts: Any) -> None:
    """Add what is known now to the run's facts."""
    write_json(folder / FACTS, read_json(folder / FACTS) | facts)


def note_finished(folder: Path, **more: Any) -> None:
    """Write the time, and what else is known now, into the run's facts."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    note(folder, finished=now, **more)


def read_mapping(path: Path) -> dict[str, Any]:
    """A mapping in a JSON file. Raises RunError if it is not there or not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read ({error}): put it back from a copy, or choose another folder") from error
    if not isinstance(found, dict):
        raise RunError(f"{path} cannot be read: expected what `imbalkit run` writes, got {str(found)[:40]!r}")
    return found


def append_log(folder: Path, entry: Mapping[str, Any]) -> None:
    """One line of log.jsonl, whole or not at all. Raises WriteError."""
    line = json_text(entry, default=float).encode() + b"\n"
    with writing(folder / LOG), (folder / LOG).open("ab+", buffering=0) as log:
        whole = log.tell()
        if whole and _last_byte(log) != b"\n":  # a line that a kill cut short
            line = b"\n" + line
        try:
            while line:
                line = line[log.write(line) :]
        except OSError:
            with suppress(OSError):  # of what is no file
                log.truncate(whole)
            raise


@contextmanager
def reporting_what_is_saved(folder: Path) -> Iterator[None]:
    """Within it, a file that cannot be written is a RunError that says what an unfinished run has on disk."""
    try:
        yield
    except WriteError as error:
        lost = error.path.stem if error.path.parent.name == CHECKPOINTS else None
        epochs = {entry["stage"]: entry["epoch"] for entry in read_log(folder) if {"stage", "epoch"} <= set(entry)}
        saved = {stage: epoch - (stage == lost) for stage, epoch in epochs.items()}
        stages = listing(f"{stage} up to epoch {epoch}" for stage, epoch in saved.items() if epoch > 0)
        raise RunError(
            f"{error}. Saved so far: {stages or 'nothing that took long'}. Fix that, then go on with --resume"
        ) from error


def _last_byte(file: IO[bytes]) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The log, one entry an epoch: an epoch that a killed run had begun to write, or did twice, counts once."""
    entries: dict[tuple[Any, Any], dict[str, Any]] = {}
    path = folder / LOG
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        entries[entry.get("stage"), entry.get("epoch")] = entry
    return list(entries.values())
