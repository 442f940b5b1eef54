"""Opening a picture's file: the one place where Pillow is given a file.

Only the formats of `formats.FORMATS` are tried, only regular files are opened, and both their bytes and their pixels are
bounded. Whatever is wrong with a file is a DataError that names it.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import stat
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import groupby
from os import PathLike
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from imbalkit_lite.containers import read_member, read_members, split_address
from imbalkit_lite.errors import DataError, MissingExtraError
from imbalkit_lite.formats import FORMATS
from imbalkit_lite.members import MOST_BYTES, Facts
from imbalkit_lite.paths import other_system

MOST_PIXELS = 2**27  # of a picture: a telephone's 108 million pass; decoding takes up to 2.2 GB
_LARGE_BYTES, _LARGE_PIXELS = 2**26, 2**25
_ONE_LARGE = threading.Lock()  # large pictures are decoded one after another: many at once would fill the memory

# Pillow warns at its own limit of pixels, where the one above is an error, and of damaged metadata, which are not used.
# Its log would reach standard error where no logging is set up.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())

_KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
_TEXTS = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.EACCES: "the file may not be read (permissions)",
    errno.EPERM: "the file may not be read (permissions)",
    errno.EISDIR: "expected an image file, got a folder",
    errno.ENAMETOOLONG: "its name is longer than the file system allows",
    errno.ELOOP: "it is a link that leads back to itself",
    errno.ENXIO: "expected an image file, got a socket or a device",
    errno.EWOULDBLOCK: "the file cannot be read without waiting",
}
_SIGNS = (  # files under a picture's name: their first bytes, where those are, the format
    (b"%!PS", 0, "EPS or PostScript"),
    (b"\xc5\xd0\xd3\xc6", 0, "EPS or PostScript"),
    (b"%PDF", 0, "PDF"),
    (b"8BPS", 0, "Photoshop"),
    (b"ftyphei", 4, "HEIF (as iPhones save photographs)"),
    (b"ftyphev", 4, "HEIF"),
    (b"ftypmif1", 4, "HEIF"),
    (b"ftypmsf1", 4, "HEIF"),
    *([] if "AVIF" in FORMATS else [(b"ftypavi", 4, "AVIF, which this build of Pillow cannot read")]),
    (b"DICM", 128, "DICOM"),
    (b"\xff\x0a", 0, "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", 0, "JPEG XL"),
    (b"<svg", 0, "SVG"),
    (b"<?xml", 0, "XML or SVG"),
    (b"<!DOCTYPE html", 0, "a web page"),
    (b"<html", 0, "a web page"),
    (b"version https://git-lfs", 0, "a pointer of Git LFS (run git lfs pull)"),
    (b"PK\x03\x04", 0, "a zip archive"),
)


@contextmanager
def open_picture(source: str | PathLike[str] | bytes) -> Iterator[Image.Image]:
    """A file's picture, before its pixels are decoded; what goes wrong while it is used is reported as the file's fault.

    Args:
        source: path, address of a container's member, or the file's content

    Raises:
        DataError: naming the file (if a path is given): missing, no regular file, of another format, damaged, too large
    """
    name = "" if isinstance(source, bytes) else f"{os.fspath(source)}: "
    size = None
    try:
        if not isinstance(source, bytes) and (address := split_address(source)) is not None:
            source = read_member(address)[0]
        with (
            io.BytesIO(source) if isinstance(source, bytes) else open_file(source) as stream,
            _identify(stream) as image,
        ):
            size = image.size
            if size[0] * size[1] > MOST_PIXELS:
                raise DataError(_too_many(f"{size[0]:,} x {size[1]:,}"))
            with _ONE_LARGE if size[0] * size[1] > _LARGE_PIXELS else nullcontext():
                yield image
    except DataError as error:
        raise DataError(f"{name}{error}") from None
    except MissingExtraError:
        raise
    except MemoryError:
        what = f"its {size[0]:,} x {size[1]:,} pixels" if size else "it"
        raise DataError(f"{name}there is not enough memory to decode {what}") from None
    except Exception as error:  # Pillow's decoders raise errors of many types
        raise DataError(f"{name}{_reason(error)}") from None


def open_file(path: str | PathLike[str]) -> BinaryIO:
    """A regular file of at most `MOST_BYTES`, open for reading; never waits for a pipe's or a device's other end.

    Raises DataError for anything else, OSError for a file that cannot be opened.
    """
    _require_regular(os.stat(path))  # before it is opened, as opening is enough to make some devices do something
    flags = (getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOCTTY", "O_BINARY"))
    stream = os.fdopen(os.open(path, os.O_RDONLY | sum(flags)), "rb")
    try:
        _require_regular(os.fstat(stream.fileno()))
    except BaseException:
        stream.close()
        raise
    return stream


def read_files(paths: Sequence[str]) -> Iterator[tuple[bytes, Facts] | DataError]:
    """As `read_file` of several, in order, or what is wrong with one; members of a container at once, where that is faster.

    Raises MissingExtraError where a container needs a package that is not installed.
    """
    for packed, group in groupby([(path, split_address(path)) for path in paths], key=lambda pair: pair[1] is not None):
        if packed:
            yield from read_members([address for _, address in group if address is not None])
            continue
        for path, _ in group:
            try:
                yield read_file(path)
            except DataError as error:
                yield error


def read_file(path: str | PathLike[str]) -> tuple[bytes, Facts]:
    """A picture's content, of a file or a container's member, and what was known of it when it was opened.

    Raises:
        DataError: without the file's name: missing, no regular file, too large
        MissingExtraError: its container needs a package that is not installed
    """
    address = split_address(path)
    if address is not None:
        return read_member(address)
    try:
        with open_file(path) as stream:
            status = os.fstat(stream.fileno())
            if status.st_size > _LARGE_BYTES:  # its first bytes must be a picture's before all of it is read
                with _identify(stream):
                    stream.seek(0)
            content = stream.read(status.st_size + 1)
    except MemoryError:
        raise DataError("there is not enough memory to read it") from None
    except (OSError, ValueError) as error:
        raise DataError(_reason(error)) from None
    if len(content) > status.st_size:
        raise DataError("the file grows while it is read")
    return content, Facts.of(status)


def _identify(stream: BinaryIO) -> Image.Image:
    """The picture in a file, of one of `FORMATS`. Raises DataError, saying what the file is if it is well known."""
    try:
        return Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError:
        stream.seek(0)
        start = stream.read(132)
    kind = next((kind for sign, place, kind in _SIGNS if start.startswith(sign, place)), "")
    raise DataError(f"expected {', '.join(FORMATS)}, got {kind}" if kind else "not an image that Pillow can read")


def _require_regular(status: os.stat_result) -> None:
    for is_kind, kind in _KINDS.items():
        if is_kind(status.st_mode):
            raise DataError(f"expected an image file, got {kind}")
    if not stat.S_ISREG(status.st_mode):
        raise DataError("expected an image file, got something else")
    if status.st_size > MOST_BYTES:
        raise DataError(
            f"expected a file of at most {MOST_BYTES / 2**30:.0f} GiB, got {status.st_size / 2**30:.1f} GiB: scale the "
            "picture down or cut it into pieces"
        )


def _too_many(found: str) -> str:
    return f"expected a picture of at most {MOST_PIXELS:,} pixels, got {found}: scale it down or cut it into pieces"


def _reason(error: Exception) -> str:
    """What is wrong with a file, in a few words."""
    if isinstance(error, Image.DecompressionBombError):  # Pillow's limit is higher, but a program can lower it
        count = re.search(r"\d+", str(error))
        return _too_many(f"{int(count[0]):,}" if count else "more")
    if isinstance(error, OSError) and error.errno in _TEXTS:
        system = other_system(os.fsdecode(error.filename or ""))
        return _TEXTS[error.errno] + (f": it is a path of another system ({system})" if system else "")
    if isinstance(error, OSError) and error.strerror:
        return f"the file cannot be read ({error.strerror})"
    return f"the image cannot be read ({error or type(error).__name__})"
