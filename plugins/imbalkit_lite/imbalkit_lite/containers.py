"""Images inside containers: `photos.zip!a.jpg`, `b.tar!set/b.png`, and what imbalkit and its plugins add, such as
`train.hdf5!ISIC_1`, `part-0.parquet!17` and `s3://bucket/a.jpg`.

An address is a container's place, "!" and a member's name; a place with a scheme and a "/" instead is one as well.
"""

from __future__ import annotations

import os
import pkgutil
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from typing import NamedTuple

from imbalkit_lite.archives import TarMembers, ZipMembers
from imbalkit_lite.errors import DataError, listing, nearest
from imbalkit_lite.members import MOST_BYTES, Facts, Members, Span, read_at

INSTALLED: str | None = None
"""Gives the kinds of containers that are installed, as "module:function"; imported when the first address is met. imbalkit
sets it to its catalogue, which this package knows nothing of."""

_MOST_OPEN = 64  # containers at once
_FEW = 2000  # names among which the nearest is looked for


class Kind(NamedTuple):
    """A kind of container: endings of its files, schemes of its places ("s3"), and how one is opened."""

    endings: tuple[str, ...]
    schemes: tuple[str, ...]
    open: Callable[[str], Members]


class Address(NamedTuple):
    """A member of a container."""

    place: str
    member: str


OWN = (Kind((".zip",), (), ZipMembers), Kind((".tar",), (), TarMembers))


def split_address(path: str | os.PathLike[str]) -> Address | None:
    """The container and the member that a path names, None of a file's path. Only spelling decides; nothing is opened."""
    spelt = os.fspath(path)
    if "!" in spelt:
        start = 0
        while (found := spelt.find("!", start)) > 0:
            if _kind_by_ending(spelt[:found]) is not None:
                return Address(spelt[:found], spelt[found + 1 :])
            start = found + 1
    if is_remote(spelt):
        root = spelt.index("://") + 3
        place, _, member = spelt[root:].rpartition("/")
        return Address(spelt[:root] + place, member)
    return None


def is_remote(spelt: str) -> bool:
    """Whether a path is a URL with a scheme of a kind of container, such as s3://bucket/a.jpg."""
    scheme, separator, _ = spelt.partition("://")
    return bool(separator) and _kind_by_scheme(scheme) is not None


def is_container(path: str | os.PathLike[str]) -> bool:
    """Whether a path names a container by its ending, and is no folder."""
    spelt = os.fspath(path)
    return _kind_by_ending(spelt) is not None and not os.path.isdir(spelt) and not is_remote(spelt)


def join_address(root: str | os.PathLike[str], member: str) -> str:
    """The path of a member of a container, or of one below a folder in a container (`photos.zip!train`)."""
    spelt = os.fspath(root).rstrip("/")
    return f"{spelt}{'!' if split_address(spelt) is None else '/'}{member}"


def absolute(path: str | os.PathLike[str]) -> str:
    """A path from the root of the file system, of an address that of its container."""
    address = split_address(path)
    if address is None:
        return os.path.abspath(os.path.expanduser(path))
    if is_remote(address.place):
        return os.fspath(path)
    return f"{os.path.abspath(os.path.expanduser(address.place))}!{address.member}"


def members_of(place: str | os.PathLike[str]) -> Members:
    """What a container holds. Raises DataError for one that is not there or cannot be opened, MissingExtraError."""
    return _open(os.fspath(place)).members


def member_problem(address: Address) -> str | None:
    """Why a member cannot be read, None if it is there; of a remote place nothing is asked. Raises MissingExtraError."""
    try:
        found = _open(address.place)
    except DataError as error:
        return str(error)
    there = found.facts is None or address.member in found.members
    return None if there else found.no_member(address.member)


def is_member(address: Address) -> bool:
    """Whether a member is there, or of a remote place. Raises DataError, MissingExtraError as `members_of`."""
    found = _open(address.place)
    return found.facts is None or address.member in found.members


def member_facts(address: Address) -> Facts | None:
    """What tells that a member is as it was, None of one that is not there."""
    if not is_remote(address.place):
        return _file_facts(address.place)
    try:
        return _open(address.place).members.facts(address.member)
    except DataError:
        return None


def read_member(address: Address) -> tuple[bytes, Facts]:
    """A member's bytes, and what was known of it. Raises DataError without the address, MissingExtraError."""
    (found,) = read_members([address])
    if isinstance(found, DataError):
        raise found
    return found


def read_members(addresses: Sequence[Address]) -> Iterator[tuple[bytes, Facts] | DataError]:
    """The bytes of several members in order, those of a remote place at once; or what is wrong with one."""
    for place, group in groupby(addresses, key=lambda address: address.place):
        some = list(group)
        try:
            container = _open(place)
        except DataError as error:
            yield from [error] * len(some)
        else:
            yield from container.read(some)


def in_reading_order(paths: Iterable[str]) -> list[str]:
    """Paths with files first, as they come, then the members of each container in the order in which it is read fastest."""
    files: list[str] = []
    inside: dict[str, dict[str, str]] = {}
    for path in paths:
        address = split_address(path)
        if address is None:
            files.append(path)
        else:
            inside.setdefault(address.place, {})[address.member] = path
    for place, members in inside.items():
        try:
            order = _open(place).members.in_order(members)
        except DataError:  # said of each member when it is read
            order = list(members)
        files += [members[name] for name in order]
    return files


@dataclass
class Opened:
    """An open container; `facts` is None of a remote one."""

    place: str
    members: Members
    facts: Facts | None
    descriptor: int | None

    def __del__(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)

    def read(self, addresses: Sequence[Address]) -> Iterator[tuple[bytes, Facts] | DataError]:
        """The bytes of members in order, and what was known of each; or what is wrong with it."""
        if self.facts is None:
            names = [address.member for address in addresses]
            for name, content in zip(names, self.members.read_several(names), strict=True):
                facts = self.members.facts(name)
                if isinstance(content, bytes):
                    yield (content, facts) if facts else DataError("it changed while it was read")
                else:
                    yield content
            return
        for address in addresses:
            try:
                yield self._read_member(address), self.facts
            except DataError as error:
                yield error

    def _read_member(self, address: Address) -> bytes:
        """A member's bytes, by one positional read where it lies there as it is."""
        if address.member not in self.members:
            raise DataError(self.no_member(address.member))
        span = self.members.span(address.member)
        return self.members.read(address.member) if span is None else self._read_span(span)

    def no_member(self, name: str) -> str:
        """What to say of a member that is not there."""
        if not self._names:
            return f"{self.place} holds nothing"
        near = nearest(name, self._names) if len(self._names) <= _FEW else ""
        such = f"such as {self._names[0]!r}" if len(self._names) > 1 else repr(self._names[0])
        return f"{self.place} holds no {name!r}{near} (it holds {len(self._names):,}, {such})"

    @cached_property
    def _names(self) -> Sequence[str]:
        return self.members.names()

    def _read_span(self, span: Span) -> bytes:
        if span.length > MOST_BYTES:
            raise DataError(
                f"expected a file of at most {MOST_BYTES / 2**30:.0f} GiB, got {span.length / 2**30:.1f} GiB"
            )
        assert self.descriptor is not None
        content = read_at(self.descriptor, span.offset, span.length)
        if len(content) < span.length:
            size = os.fstat(self.descriptor).st_size
            raise DataError(
                f"{self.place} ends before it: its bytes go to {span.offset + span.length:,}, the file has {size:,}: get the "
                "whole container"
            )
        return content


_CONTAINERS: OrderedDict[tuple[str, Facts | None], Opened] = OrderedDict()
_LOCK = threading.Lock()


def _open(place: str) -> Opened:
    """The container at a place, opened once as long as its file stays the same. Raises DataError, MissingExtraError."""
    kind = _kind_of(place)
    remote = is_remote(place)
    facts = None if remote else _file_facts(place)
    if facts is None and not remote:
        what = "a folder" if os.path.isdir(place) else "nothing"
        raise DataError(f"expected a container at {os.path.abspath(place)}, found {what}")
    key = place, facts
    with _LOCK:  # opened by one thread: a directory of 400,000 members takes seconds
        if key not in _CONTAINERS:
            _CONTAINERS[key] = opened(kind, place, facts)
            while len(_CONTAINERS) > _MOST_OPEN:
                _CONTAINERS.popitem(last=False)
        _CONTAINERS.move_to_end(key)
        return _CONTAINERS[key]


def opened(kind: Kind, place: str, facts: Facts | None) -> Opened:
    """A container, opened anew; `facts` are its file's, None of a remote place. Raises DataError, MissingExtraError."""
    try:
        members = kind.open(place)
        descriptor = None if facts is None else os.open(place, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError as error:
        why = error.strerror or " ".join(str(error).split())
        raise DataError(f"the container {place} cannot be opened ({why})") from None
    return Opened(place, members, facts, descriptor)


def _file_facts(path: str) -> Facts | None:
    try:
        status = os.stat(path)
        return Facts.of(status) if stat.S_ISREG(status.st_mode) else None
    except (OSError, ValueError):  # a null byte in a name
        return None


def _kind_of(place: str) -> Kind:
    scheme, separator, _ = place.partition("://")
    kind = _kind_by_scheme(scheme) if separator else None
    if separator and kind is not None and _kind_by_ending(place) is not None:
        raise DataError(f"{place} is a container at a remote place, of which members are not read: copy it here first")
    kind = kind or _kind_by_ending(place)
    if kind is None:
        raise DataError(f"{place} is no container that is known (endings: {listing(endings(), 30)})")
    return kind


def endings() -> tuple[str, ...]:
    """Endings of container files, in lower case."""
    return _all_endings(INSTALLED)


@lru_cache
def _all_endings(source: str | None) -> tuple[str, ...]:
    return tuple(ending for kind in installed(source) for ending in kind.endings)


def _kind_by_ending(path: str) -> Kind | None:
    lower = path.lower()
    if not lower.endswith(_all_endings(INSTALLED)):
        return None
    return next(kind for kind in installed(INSTALLED) if lower.endswith(kind.endings))


def _kind_by_scheme(scheme: str) -> Kind | None:
    return next((kind for kind in installed(INSTALLED) if scheme in kind.schemes), None)


@lru_cache
def installed(source: str | None) -> tuple[Kind, ...]:
    """The kinds of containers that `INSTALLED` gives; zip and tar alone without it."""
    return OWN if source is None else tuple(pkgutil.resolve_name(source)())
