"""What a container of images is to those who read it: members by name, and where their bytes are."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import ClassVar, NamedTuple

from imbalkit_lite.errors import DataError

MOST_BYTES = 2**30  # of an image's file
_SEEKING = threading.Lock()  # where there is no positional read


class Facts(NamedTuple):
    """What tells that a file is as it was: size, time of the last change of the content, and of the file or what is known
    of it, which cannot be set back."""

    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Facts:
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Span(NamedTuple):
    """Where a member's bytes lie in its container's file, as they are."""

    offset: int
    length: int


def read_at(descriptor: int, offset: int, length: int) -> bytes:
    """Bytes of an open file from a place on, fewer where it ends; several threads may read at once."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    with _SEEKING:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)


class Members(ABC):
    """What an open container holds; asked by several threads at once.

    Attributes:
        named_files: whether members have the names of files, with endings (a.jpg); False: each member is an image
    """

    named_files: ClassVar[bool] = True

    @abstractmethod
    def names(self) -> Sequence[str]:
        """Every member, in the order in which they are read fastest."""

    @abstractmethod
    def __contains__(self, name: str) -> bool:
        """Whether there is such a member, without a list of all where that would take long."""

    def span(self, name: str) -> Span | None:
        """Where the bytes of a member that is there lie, None where they are packed, or in no file."""
        return None

    def read(self, name: str) -> bytes:
        """The bytes of a member that is there and has no span. Raises DataError."""
        raise NotImplementedError

    def read_several(self, names: Sequence[str]) -> Sequence[bytes | DataError]:
        """As `read`, of several: for places that answer many requests as fast as one."""
        return [_read_or_error(self, name) for name in names]

    def facts(self, name: str) -> Facts | None:
        """Of a member that is a file of its own; None: it is as old as its container's file."""
        return None

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Names in the order in which they are read fastest."""
        return sorted(names, key=lambda name: self._place.get(name, -1))

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names())}


def _read_or_error(members: Members, name: str) -> bytes | DataError:
    try:
        return members.read(name)
    except DataError as error:
        return error
