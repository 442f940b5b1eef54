"""Files that are written whole or not at all, and the error where one cannot be written."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from imbalkit_lite.errors import DataError, ImbalkitError

_FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than the disk or a limit of this process allows",
}
_TEMPORARY = ".tmp"
_SCARCE = 2**14  # bytes; with less, a disk is full for every writer


class WriteError(ImbalkitError):
    """A file cannot be written; the message says which, why, and what is free.

    Attributes:
        path: the file
    """

    def __init__(self, path: Path, why: str):
        super().__init__(f"{path} cannot be written: {why}")
        self.path = path


def write_atomic(path: Path, write: Callable[[Path], Any], size: int | None = None, mode: int = 0o666) -> None:
    """Call `write` with a temporary name beside `path`, then rename: a reader never sees half a file.

    The temporary file is there, empty, under a name that cannot be guessed: no link can have been laid in its place.

    Args:
        path: the file; its folder is made
        write: writes the file whose path it is given
        size: bytes that it will take, if known; named where they do not fit
        mode: permissions, less the umask

    Raises:
        WriteError: a full disk, a folder that cannot be written; what `write` raises otherwise is passed on
    """
    with writing(path, size):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}{_TEMPORARY}")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        try:
            write(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def refuse_input(out: Path, read: Iterable[str | os.PathLike[str]]) -> None:
    """Raise DataError for an output that is one of the files that are read, which it would replace."""
    if not out.exists():
        return
    for name in read:
        with suppress(OSError, ValueError):  # what is no file is not replaced
            if os.path.samefile(out, name):
                raise DataError(f"{out} is the file {name} that is read, and would be replaced: choose another name")


def write_text(path: Path, text: str) -> None:
    """UTF-8 text, whole or not at all. Raises WriteError."""
    content = text.encode("utf-8", "backslashreplace")  # a file name may hold bytes that are no text
    write_atomic(path, lambda temporary: temporary.write_bytes(content), len(content))


@contextmanager
def writing(path: Path, size: int | None = None) -> Iterator[None]:
    """Within it, a system error of a write becomes a WriteError about `path`; `size`: bytes needed, if known.

    A library's own error is one too where it hides that the disk is full, as PyTorch's assertions do.
    """
    try:
        yield
    except ImbalkitError:
        raise
    except Exception as error:
        full = next((_FULL[number] for number in _numbers(error) if number in _FULL), None)
        if full is None and not isinstance(error, OSError) and _free(path) < max(size or 0, _SCARCE):
            full = _FULL[errno.ENOSPC]
        if full is not None:
            needed = "" if size is None else f"{size_text(size)} needed, "
            raise WriteError(path, f"{full} ({needed}{size_text(_free(path))} free)") from error
        if isinstance(error, OSError):
            raise WriteError(path, error.strerror or str(error)) from error
        raise


def _numbers(error: BaseException | None) -> Iterator[int | None]:
    """The system's error numbers in an error and those it was raised from."""
    seen = 0
    while error is not None and seen < 20:
        yield getattr(error, "errno", None)
        error, seen = error.__cause__ or error.__context__, seen + 1


def delete_temporaries(folder: Path, below: bool = True) -> None:
    """Delete what killed processes left of `write_atomic` in a folder, and below; only where no other process writes."""
    pattern = f".*{_TEMPORARY}"
    for path in folder.rglob(pattern) if below else folder.glob(pattern):
        if path.is_file() and not path.is_symlink():
            path.unlink(missing_ok=True)


def size_text(size: int) -> str:
    """Bytes as a person reads them: "0 bytes", "3.4 kB", "1.2 GB" (powers of 1,000).

    >>> size_text(3_400)
    '3.4 kB'
    """
    value, units = float(size), ["bytes", "kB", "MB", "GB", "TB"]
    while value >= 999.95 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{size} bytes" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def _free(path: Path) -> int:
    """Free bytes where a file is to be."""
    return shutil.disk_usage(next(folder for folder in path.absolute().parents if folder.exists())).free
