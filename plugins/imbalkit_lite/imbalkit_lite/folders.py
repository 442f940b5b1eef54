"""Which pictures lie below a folder, and what else lies there: what is left out is listed."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from imbalkit_lite.containers import is_container, members_of, split_address
from imbalkit_lite.errors import DataError, listing
from imbalkit_lite.formats import EXTENSIONS, UNREADABLE

_READABLE = frozenset(EXTENSIONS)

# What file servers, systems and programs put beside a user's files: bins, thumbnails, indices. In lower case.
_SYSTEM = re.compile(
    r"@eadir|[#@]recycle|[#~.]snapshot|@recently-snapshot|\.@__thumb|@tmp"  # Synology, QNAP, NetApp
    r"|\$recycle\.bin|\$windows\.~\w+|system volume information|found\.\d{3}|config\.msi|msocache"  # Windows
    r"|__macosx|\.trashes|\.spotlight-v100|\.fseventsd|\.temporaryitems|temporary items|network trash folder"  # macOS
    r"|\.appledouble|\.appledb|\.appledesktop|\.documentrevisions-v100"
    r"|lost\+found|lost\.dir|\.trash(-\d+)?|\.thumbnails|\.sh_thumbnails|\.xvpics|\.picasaoriginals"  # Linux, Android
    r"|\.ipynb_checkpoints|__pycache__"
)
_SYSTEM_IN_PATH = re.compile(rf"(?:^|[\\/])(?:{_SYSTEM.pattern})(?:$|[\\/])", re.I)
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")  # JPEG, PNG, GIF, TIFF
_MOST_LOOKED_INTO = 1000  # files without an ending


@dataclass
class Listing:
    """What lies below a folder; every path is relative to it, with "/".

    Attributes:
        root: the folder
        images: pictures that can be read by their ending, sorted; links to files that are not there are among them
        folders: folders that were looked into, sorted, without the root
        unreadable: pictures and scans of formats that cannot be read, such as .heic and .dcm
        unnamed: files without an ending whose first bytes are a picture's
        others: other files in folders below, by their ending
        broken: those of `images` that are links to nothing
        special: pipes, devices and sockets with a picture's ending
        system: folders of file servers and systems -> pictures in them
        ignored: folders that the caller left out -> pictures in them
        linked: links to folders that were followed out of the root -> where they lead
        links: links to folders that were not followed -> why
        closed: folders that cannot be listed -> why
    """

    root: Path
    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)
    system: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)


def list_folder(
    root: str | os.PathLike[str],
    ignore: Collection[str] = (),
    follow: Collection[str] | None = ("",),
) -> Listing:
    """Look through a folder at any depth, or a container. Hidden files and folders are passed over.

    A link to a file is that file. A link to a folder is followed if it stays inside the root, or lies in one of the
    folders `follow`; but never to a folder that was looked into already, or that holds the root.

    Args:
        root: the folder, or a link to it
        ignore: folders to leave out: a name at any depth, or a path below the root ("a/b", "/a")
        follow: folders (relative, "" is the root) whose links may lead out of the root; None: all
    """
    if split_address(root) is not None or is_container(root):
        return list_container(root, ignore)
    found = Listing(Path(root))
    top = os.path.realpath(root)
    opened, seen = [top], {top}
    waiting = [("", top)]  # folders to look into: (relative path, real path)
    plain: list[tuple[str, str]] = []  # files without an ending: (relative path, path)
    links: list[tuple[str, str]] = []  # real folders come first, so that a link never takes the place of one
    while waiting or links:
        if not waiting:
            links.sort(reverse=True)
            place, real = links.pop()
            outside = not any(_is_inside(real, folder) for folder in opened)
            if real in seen:
                found.links[place] = f"leads to {real}, which is looked into already"
                continue
            if _is_inside(top, real):
                found.links[place] = f"leads to {real}, which holds this folder"
                continue
            if outside and not _may_follow(place, follow):
                found.links[place] = f"leads to {real}, outside of this folder"
                continue
            if outside:
                found.linked[place] = real
                opened.append(real)
            seen.add(real)
            found.folders.append(place)
            waiting.append((place, real))
        below, real = waiting.pop()
        for name, place, path, entry in _entries(below, real, found):
            if _is_folder(entry):
                if _SYSTEM.fullmatch(name.lower()):
                    found.system[place] = count_images(path)
                elif name.startswith("."):
                    continue
                elif name in ignore or place in ignore or f"/{place}" in ignore:
                    found.ignored[place] = count_images(path)
                elif entry.is_symlink():
                    links.append((place, os.path.realpath(path)))
                elif path not in seen:
                    seen.add(path)
                    found.folders.append(place)
                    waiting.append((place, path))
            elif not name.startswith("."):
                if ending(name) == "" and os.path.isfile(path):
                    plain.append((place, path))
                else:
                    _add_file(name, place, entry, found)
    for number, (place, path) in enumerate(sorted(plain)):
        if number < _MOST_LOOKED_INTO and _begins_as_picture(path):
            found.unnamed.append(place)
        elif "/" in place:
            found.others[""] += 1
    for names in (found.images, found.folders, found.unreadable, found.broken, found.special):
        names.sort()
    for name in ("system", "ignored", "linked", "links", "closed"):
        setattr(found, name, dict(sorted(getattr(found, name).items())))
    return found


def list_container(root: str | os.PathLike[str], ignore: Collection[str] = ()) -> Listing:
    """Look through a container (`photos.zip`), or a folder in one (`photos.zip!train`), as through a folder.

    Raises DataError for one that cannot be opened, or has no such folder.
    """
    address = split_address(root)
    place, below = (os.fspath(root), "") if address is None else (address.place, address.member.rstrip("/") + "/")
    members, found, folders = members_of(place), Listing(Path(root)), set()
    for member in members.names():
        name = member[len(below) :]
        if not member.startswith(below) or not name:
            continue
        *above, last = name.split("/")
        tops = ["/".join(above[: depth + 1]) for depth in range(len(above))]
        system = next((top for top, part in zip(tops, above, strict=True) if _SYSTEM.fullmatch(part.lower())), None)
        ignored = next((t for t, p in zip(tops, above, strict=True) if {p, t, f"/{t}"} & set(ignore)), None)
        image = not members.named_files or ending(last).lower() in _READABLE
        if system is not None or ignored is not None:
            counts = found.system if system is not None else found.ignored
            top = system if system is not None else str(ignored)
            counts[top] = counts.get(top, 0) + image
            continue
        if any(part.startswith(".") for part in (*above, last)):
            continue
        folders.update(tops)
        if image:
            found.images.append(name)
        elif ending(last).lower() in UNREADABLE:
            found.unreadable.append(name)
        elif above:
            found.others[ending(last)] += 1
    if below and not (folders or found.images):
        raise DataError(f"{place} holds no folder {below.rstrip('/')!r} with images")
    found.folders = sorted(folders)
    found.unreadable.sort()
    if members.named_files:
        found.images.sort()
    return found


def list_images(root: str | os.PathLike[str]) -> list[str]:
    """The pictures below a folder, wherever links lead: for callers that know the names they look for."""
    return list_folder(root, follow=None).images


def is_system(path: str) -> bool:
    """Whether a path leads through a folder of a file server or system."""
    return _SYSTEM_IN_PATH.search(path) is not None


def ending(name: str) -> str:
    """A file name's ending as it is written, such as ".HEIC"; ".nii.gz" and ".tar.gz" are one."""
    stem, last = os.path.splitext(name)
    if last.lower() in (".gz", ".bz2", ".xz", ".zst"):
        return os.path.splitext(stem)[1] + last
    return last


def count_images(folder: str) -> int:
    """Pictures below a folder, hidden ones too; links are not followed."""
    return sum(os.path.splitext(name)[1].lower() in _READABLE for _, _, files in os.walk(folder) for name in files)


def by_ending(paths: Iterable[str]) -> str:
    """Such as "3 .HEIC, 1 .dcm", the most frequent first."""
    return endings_text(Counter(ending(path) for path in paths))


def endings_text(counts: Mapping[str, int]) -> str:
    """As `by_ending`, from the counts of endings."""
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0] or "~"))
    return listing(f"{count:,} {name or 'without ending'}" for name, count in most)


def by_folder(paths: Iterable[str], depth: int = 1) -> dict[str, list[str]]:
    """Paths by the first `depth` folders that they lie in; "" for those that lie higher."""
    found: dict[str, list[str]] = {}
    for path in paths:
        parts = path.split("/")
        found.setdefault("/".join(parts[:depth]) if len(parts) > depth else "", []).append(path)
    return found


def _entries(below: str, real: str, found: Listing) -> Iterator[tuple[str, str, str, os.DirEntry[str]]]:
    """What a folder holds: (name, relative path, real path, entry)."""
    try:
        with os.scandir(real) as entries:
            for entry in entries:
                yield entry.name, f"{below}/{entry.name}" if below else entry.name, entry.path, entry
    except OSError as error:
        found.closed[below or "."] = error.strerror or str(error)


def _add_file(name: str, place: str, entry: os.DirEntry[str], found: Listing) -> None:
    last, there = ending(name), not entry.is_symlink() or os.path.exists(entry.path)
    if last.lower() in _READABLE:
        if there and not entry.is_file():
            found.special.append(place)
            return
        found.images.append(place)
        found.broken += [] if there else [place]
    elif not there:
        found.links[place] = f"leads to {os.path.realpath(entry.path)}, which is not there"
    elif last.lower() in UNREADABLE:
        found.unreadable.append(place)
    elif "/" in place and name.lower() not in ("thumbs.db", "ehthumbs.db", "desktop.ini"):
        found.others[last] += 1


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that goes round
        return False


def _begins_as_picture(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            return begins_as_picture(stream.read(132))
    except OSError:
        return False


def begins_as_picture(content: bytes) -> bool:
    """Whether a file's first bytes, 132 or more, are a picture's."""
    sign = content.startswith(_SIGNATURES) or content[128:132] == b"DICM"
    return sign or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def _may_follow(place: str, follow: Collection[str] | None) -> bool:
    return follow is None or place.rpartition("/")[0] in follow


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
