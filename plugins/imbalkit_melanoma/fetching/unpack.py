"""Unpacks an archive: each file is whole or absent, and one that was unpacked before is not unpacked again."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from imbalkit.errors import DataError, listing
from imbalkit_melanoma.fetching.progress import ProgressLines
from imbalkit_melanoma.fetching.record import Record

PICTURES = {".jpg", ".jpeg", ".png"}
TEXTS = {".txt", ".md", ".csv", ".tsv", ".json"}
PLAIN_TEXTS = {"license", "licence", "readme", "attribution", "copying"}  # names without an ending
LONGEST_NAME = 200  # bytes: file systems take 255, and a name grows while its file is written
MOST_GROWTH = 100  # times an archive's size; pictures hardly shrink, tables to a tenth
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, UnicodeDecodeError, OverflowError),
)


def unpack(path: Path, folder: Path, record: Record, progress: ProgressLines) -> int:
    """Put the pictures, texts and tables of a zip flat into `folder` and their SHA-256 into the record; how many pictures.

    Files of other kinds are left out, and reported.

    Raises DataError for a damaged archive (which then is NAME.zip.damaged), an unsafe one, or too small a disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            members, left_out = _members(archive, folder, path)
            waiting = [(info, target) for info, target in members if not _is_there(info, target, record)]
            _require_space(path, folder, sum(info.file_size for info, _ in waiting))
            _require_no_bomb(path, sum(info.file_size for info, _ in members))
            progress.step(f"unpacking {path.name}", sum(info.file_size for info, _ in waiting))
            if left_out:
                names = listing((repr(name) for name in left_out), 3)
                progress.note(
                    f"{path.name}: {len(left_out):,} files are neither pictures nor tables, and left out: {names}"
                )
            for info, target in waiting:
                name = info.filename
                record.add_sum(target, _extract(archive, info, target, progress))
    except DAMAGE as error:
        damaged = path.with_name(path.name + ".damaged")
        os.replace(path, damaged)
        raise DataError(
            f"{path} is damaged ({error}, at {name}): it is {damaged.name} now and may be deleted. What was unpacked "
            "before stays; the same command downloads the archive again"
        ) from None
    return sum(target.suffix.lower() in PICTURES for _, target in members)


def _members(
    archive: zipfile.ZipFile, folder: Path, path: Path
) -> tuple[list[tuple[zipfile.ZipInfo, Path]], list[str]]:
    """The files of an archive with where each goes, and names of other kinds.

    Raises DataError for names that lead elsewhere or cannot be printed, links, ciphers.
    """
    members: dict[str, tuple[zipfile.ZipInfo, Path]] = {}
    others = []
    for info in archive.infolist():
        inside = PurePosixPath(info.orig_filename)
        if inside.is_absolute() or ".." in inside.parts or any(sign in info.orig_filename for sign in "\\:\0"):
            raise DataError(f"{path} holds {info.orig_filename!r}, which leads out of its folder: nothing was unpacked")
        if stat.S_ISLNK(info.external_attr >> 16) or info.flag_bits & 1:
            raise DataError(f"{path} holds a link or an encrypted file, {info.filename!r}: nothing was unpacked")
        if not info.orig_filename.isprintable():
            raise DataError(f"{path} holds {info.orig_filename!r}, a name with control signs: nothing was unpacked")
        if info.is_dir() or inside.name.startswith(".") or "__MACOSX" in inside.parts:
            continue
        ending = inside.suffix.lower()
        if ending not in PICTURES | TEXTS and inside.name.lower() not in PLAIN_TEXTS:
            others.append(inside.name)
            continue
        if len(os.fsencode(inside.name)) > LONGEST_NAME:
            raise DataError(
                f"{path} holds a name of {len(os.fsencode(inside.name)):,} bytes, {inside.name[:40]!r}..., expected at most "
                f"{LONGEST_NAME}: nothing was unpacked"
            )
        if inside.name.lower() in members:
            raise DataError(f"{path} holds two files named {inside.name!r}: nothing was unpacked")
        members[inside.name.lower()] = (info, folder / inside.name)
    return list(members.values()), others


def _is_there(info: zipfile.ZipInfo, target: Path, record: Record) -> bool:
    """Whether a file was unpacked before; one that the record does not know is checked by its CRC-32."""
    if not target.is_file() or target.stat().st_size != info.file_size:
        return False
    if record.sum_of(target) is None:
        content = target.read_bytes()
        if zlib.crc32(content) != info.CRC:
            return False
        record.add_sum(target, hashlib.sha256(content).hexdigest())
    return True


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, progress: ProgressLines) -> str:
    """Write one file under a temporary name, then rename it; zipfile compares its CRC-32. Its SHA-256."""
    temporary = target.with_name(f".{target.name}.part")
    digest = hashlib.sha256()
    try:
        temporary.unlink(missing_ok=True)  # of an unpacking that was stopped
        with archive.open(info) as source, temporary.open("xb") as stream:
            while chunk := _read(source):
                stream.write(chunk)
                digest.update(chunk)
                progress.advance(len(chunk))
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return digest.hexdigest()


def _read(source: IO[bytes]) -> bytes:
    try:
        return source.read(1 << 20)
    except OSError as error:
        if error.errno is not None:
            raise
        raise zipfile.BadZipFile(str(error)) from None  # bzip2's way to say so


def _require_no_bomb(path: Path, size: int) -> None:
    packed = path.stat().st_size
    if size > MOST_GROWTH * packed + 2**20:
        raise DataError(
            f"{path} has {packed:,} bytes and says that its files have {size:,}: pictures and tables do not shrink so far; "
            "nothing was unpacked"
        )


def _require_space(path: Path, folder: Path, needed: int) -> None:
    from rich.filesize import decimal

    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{path.name} needs {decimal(needed)} unpacked, but the disk of {folder} has {decimal(free)} free: make "
            "room, then run the same command again"
        )
