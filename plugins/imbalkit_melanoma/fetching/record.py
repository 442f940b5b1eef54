"""The record of a folder: `fetched.json` (each file's address and checks) and `SHA256SUMS` (every file on disk)."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import IO, Any

from imbalkit.errors import DataError, listing
from imbalkit_lite.files import write_text
from imbalkit_melanoma.fetching.progress import ProgressLines

FETCHED, SUMS = "fetched.json", "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  (.+)")


class Record:
    """The two files of a folder. `SHA256SUMS` has the form of sha256sum; it is appended to, and tidied at the end."""

    def __init__(self, folder: Path, files: dict[str, dict[str, Any]], sums: dict[str, str]):
        self.folder, self.files, self.sums = folder, files, sums
        self._stream: IO[str] | None = None

    @classmethod
    def read(cls, folder: Path) -> Record:
        """The record of a folder, empty if there is none. A last line that a crash cut short is left out."""
        files: dict[str, dict[str, Any]] = {}
        sums: dict[str, str] = {}
        if (folder / FETCHED).is_file():
            try:
                files = json.loads((folder / FETCHED).read_text(encoding="utf-8"))["files"]
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"{folder / FETCHED} is not what fetch wrote ({error}): delete it; files on disk are then "
                    "checked, not downloaded again"
                ) from None
        if (folder / SUMS).is_file():
            for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
                if match := LINE.fullmatch(line):
                    sums[match[2]] = match[1]
        return cls(folder, files, sums)

    def update(self, name: str, **facts: Any) -> None:
        """Add facts of a file; written at once."""
        self.flush()
        self.files[name] = {**self.files.get(name, {}), **facts}
        text = json.dumps({"files": self.files}, indent=2, sort_keys=True) + "\n"
        write_text(self.folder / FETCHED, text)

    def add_sum(self, path: Path, sha256: str) -> None:
        """A file of the folder and its SHA-256."""
        name = path.relative_to(self.folder).as_posix()
        self.sums[name] = sha256
        if self._stream is None:
            # The empty first line ends one that a crash may have cut short.
            self._stream = (self.folder / SUMS).open("a", encoding="utf-8", newline="\n")
            self._stream.write("\n")
        self._stream.write(f"{sha256}  {name}\n")

    def sum_of(self, path: Path) -> str | None:
        """The SHA-256 that a file had when it was downloaded."""
        return self.sums.get(path.relative_to(self.folder).as_posix())

    def remove_sum(self, path: Path) -> None:
        """Remove a file that was deleted on purpose."""
        self.sums.pop(path.relative_to(self.folder).as_posix(), None)

    def intact(self, name: str, path: Path) -> bool:
        """Whether a downloaded file is on disk in its size."""
        return name in self.files and path.is_file() and path.stat().st_size == self.files[name]["size"]

    def unpacked(self, name: str, images: Path) -> bool:
        """Whether an archive was unpacked and all its files are still on disk."""
        if not self.files.get(name, {}).get("unpacked"):
            return False
        prefix = images.relative_to(self.folder).as_posix() + "/"
        on_disk = {path.name for path in images.iterdir()} if images.is_dir() else set()
        return all(listed[len(prefix) :] in on_disk for listed in self.sums if listed.startswith(prefix))

    def flush(self) -> None:
        """Write every added sum to the file."""
        if self._stream is not None:
            self._stream.flush()

    def close(self) -> None:
        """Write `SHA256SUMS` in order, each file once."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        if self.sums:
            text = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(self.sums.items()))
            write_text(self.folder / SUMS, text)


def hash_file(path: Path, progress: ProgressLines | None, *names: str) -> list[str]:
    """Hex digests of a file in one reading, by hashlib's names."""
    digests = [hashlib.new(name, usedforsecurity=False) for name in names]
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            for digest in digests:
                digest.update(chunk)
            if progress is not None:
                progress.advance(len(chunk))
    return [digest.hexdigest() for digest in digests]


def verify(record: Record, progress: ProgressLines) -> None:
    """Compare every listed file with its SHA-256. Raises DataError with the missing and the changed ones."""
    if not record.sums:
        raise DataError(f"there is nothing to check: {record.folder / SUMS} does not exist; `fetch` writes it")
    paths = {name: record.folder / name for name in sorted(record.sums)}
    missing = [name for name, path in paths.items() if not path.is_file()]
    found = {name: path for name, path in paths.items() if name not in set(missing)}
    progress.step(f"checking {len(found):,} files", sum(path.stat().st_size for path in found.values()))
    changed = [name for name, path in found.items() if hash_file(path, progress, "sha256") != [record.sums[name]]]
    if missing or changed:
        raise DataError(
            f"{record.folder}: of {len(paths):,} downloaded files, "
            + "; ".join(
                f"{len(names):,} {what}: {listing(names)}"
                for names, what in ((missing, "are missing"), (changed, "are changed"))
                if names
            )
            + ". Delete the changed ones; the same command without --check then downloads what is missing"
        )
    progress.note(f"{len(paths):,} files in {record.folder} are unchanged")
