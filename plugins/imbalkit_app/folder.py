"""An app as a folder for any web server: whole or not there, and nothing but an earlier app is ever replaced."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from imbalkit_app.contents import FACTS, INDEX, LIST, WORKER
from imbalkit_lite.errors import ImbalkitError, listing

_START = "self.FILES = "


class FolderError(ImbalkitError):
    """The folder is there and is no app, or cannot be written."""


def write_app(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write an app into `folder`, which may be absent, empty, or an earlier app.

    It is written beside it under a temporary name and renamed; an earlier app is moved aside first and deleted last.
    Raises FolderError.
    """
    folder = Path(os.path.realpath(folder))  # a link is followed, not replaced
    check_folder(folder)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    earlier = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        for name, content in contents.items():
            path = beside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if folder.exists():
            folder.rename(earlier)
        try:
            beside.rename(folder)
        except OSError:
            if earlier.exists():
                earlier.rename(folder)
            raise
    except OSError as error:
        raise FolderError(f"{folder} cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(earlier, ignore_errors=True)


def check_folder(folder: Path) -> None:
    """Raise FolderError where something else than an earlier app, as it was written, would be replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FolderError(f"expected a folder to write the app into, {folder} is a file")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if not found:
        return
    written = _written(folder)
    if written is None:
        raise FolderError(
            f"{folder} is there and is not an earlier app: choose another folder with --out, or delete it yourself"
        )
    foreign = sorted(found - written)
    if foreign:
        raise FolderError(
            f"{folder} holds what `imbalkit app` did not write ({listing(foreign, 3)}) and would be replaced whole: move "
            "that elsewhere, or choose another folder with --out"
        )


def _written(folder: Path) -> set[str] | None:
    """The files of an app as its own list names them, None where `folder` is no app."""
    try:
        text = (folder / LIST).read_text(encoding="utf-8").strip()
        listed = json.loads(text.removeprefix(_START).removesuffix(";"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not text.startswith(_START) or not (folder / FACTS).is_file() or not (folder / INDEX).is_file():
        return None
    return {*map(str, listed), LIST, WORKER} - {"./"}
