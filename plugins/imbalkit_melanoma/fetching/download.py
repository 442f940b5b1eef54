"""One file: downloaded into NAME.part, resumed there, checked, and only then renamed to NAME."""

from __future__ import annotations

import csv
import json
import os
import zipfile
from pathlib import Path
from typing import Any

from imbalkit.errors import DataError
from imbalkit_lite.files import write_text
from imbalkit_melanoma.fetching.client import Client, OutOfRange, Remote, TemporaryError, public
from imbalkit_melanoma.fetching.progress import ProgressLines
from imbalkit_melanoma.fetching.record import hash_file
from imbalkit_melanoma.fetching.sources import File


class WrongFile(Exception):
    """A file is not the expected one."""


def part_path(target: Path) -> Path:
    """Where a file grows until it is whole and checked."""
    return target.with_name(target.name + ".part")


def use_local_file(file: File, target: Path, progress: ProgressLines) -> dict[str, Any]:
    """Use a file that the user put there, if it is of the right kind; its facts.

    Raises DataError if it is not; it stays where it is.
    """
    try:
        facts = check_file(target, file, Remote(None, None, None), progress)
    except WrongFile as wrong:
        raise DataError(
            f"{target} was there before, but is not {file.name} as published ({wrong}): move it away, then fetch again"
        ) from None
    progress.note(f"{target} was there before: used as it is")
    return facts | {"url": None}


def download(
    client: Client, file: File, url: str, target: Path, remote: Remote, progress: ProgressLines
) -> dict[str, Any]:
    """Download a file, check it, and return its facts.

    Raises DataError if it is not the expected one, or cannot be downloaded.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part, state = part_path(target), part_path(target).with_suffix(".part.json")
    expected = {"url": public(url) if remote.etag is None else None, "size": remote.size, "etag": remote.etag}
    if part.exists() and not _belongs(part, state, expected):
        progress.note(f"{file.name}: the earlier download is no part of the server's present file; it starts again")
        part.unlink()
    write_text(state, json.dumps(expected))
    progress.step(file.name, remote.size, part.stat().st_size if part.exists() else 0)
    client.retry(lambda: _receive(client, url, part, remote, progress), resumes=True)
    try:
        facts = check_file(part, file, remote, progress)
    except WrongFile as wrong:
        part.unlink()
        state.unlink()
        raise DataError(
            f"{file.name} of {public(url)} is not as it should be: {wrong}. It was deleted; fetch again, or name "
            "another --mirror"
        ) from None
    os.replace(part, target)
    state.unlink()
    return facts | {"url": public(url)}


def _belongs(part: Path, state: Path, expected: dict[str, Any]) -> bool:
    try:
        known = json.loads(state.read_text(encoding="utf-8")) == expected
    except (OSError, ValueError):
        return False
    # Without a size nothing says where to resume.
    return known and expected["size"] is not None and part.stat().st_size <= expected["size"]


def _receive(client: Client, url: str, part: Path, remote: Remote, progress: ProgressLines) -> None:
    """Append the missing bytes of a file. Raises TemporaryError where a retry may help."""
    start = part.stat().st_size if part.exists() and remote.size is not None else 0
    if start and start == remote.size:
        return
    try:
        response = client.open(url, start)
    except OutOfRange as error:
        part.unlink()
        progress.restart()
        raise TemporaryError(f"{error}; it starts again") from None
    with response, part.open("ab" if start else "wb") as stream:
        now = Remote.of(response)
        if (now.size, now.etag) != (remote.size, remote.etag):
            raise DataError(f"{public(url)} changed during the download: run the same command again")
        if not start:
            progress.restart()
        elif response.status_code == 200:
            progress.note(f"the server cannot resume {part.stem}: it starts again")
            progress.restart()
            stream.truncate(0)
        elif not (sent := response.headers.get("Content-Range", "")).startswith(f"bytes {start}-"):
            raise DataError(f"{public(url)} answered with {sent!r}, expected 'bytes {start}-...'")
        for chunk in client.chunks(url, response):
            stream.write(chunk)
            progress.advance(len(chunk))
        stream.flush()
        os.fsync(stream.fileno())
    received = part.stat().st_size
    if remote.size is not None and received < remote.size:
        raise TemporaryError(f"{part.stem} ended after {received:,} of {remote.size:,} bytes")


def check_file(path: Path, file: File, remote: Remote, progress: ProgressLines) -> dict[str, Any]:
    """Check size, checksums and kind of a file; its size, SHA-256 and how it was checked. Raises WrongFile."""
    size = path.stat().st_size
    if remote.size is not None and size != remote.size:
        raise WrongFile(f"it has {size:,} bytes, expected {remote.size:,}")
    if not file.columns:  # a table is read in no time
        progress.step(f"checking {file.name}", size)
    md5, sha256 = hash_file(path, None if file.columns else progress, "md5", "sha256")
    for expected, statement in ((file.md5, "its publisher states"), (remote.md5, "the server states")):
        if expected and md5 != expected:
            raise WrongFile(f"its MD5 is {md5}, {statement} {expected}")
    if file.columns:
        _check_table(path, file.columns)
    elif path.stem.endswith(".zip") or path.suffix == ".zip":
        try:
            zipfile.ZipFile(path).close()
        except zipfile.BadZipFile as error:
            raise WrongFile(f"it is no zip file ({error})") from None
    checks = ["size"] * (remote.size is not None) + ["MD5 of the publisher"] * bool(file.md5)
    checks += ["MD5 of the server"] * bool(remote.md5)
    return {"size": size, "sha256": sha256, "checked": checks}


def _check_table(path: Path, columns: tuple[str, ...]) -> None:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        first = stream.readline(1000).rstrip()
    missing = [column for column in columns if column not in next(csv.reader([first]), [])]
    if missing:
        raise WrongFile(f"expected a table with the columns {', '.join(columns)}; its first line is {first[:80]!r}")
