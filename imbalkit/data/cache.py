"""Every image is decoded once: a typed array store in one memory-mapped file, with an SQLite index beside it.

A folder holds, for one image rule, `pixels.bin` (records of one dtype and shape, named in `meta.json`), `index.sqlite`
and a lock. A file is known by path, size and times (of modification and of change), and failing that by the hash of its
content: a moved or copied file is read, but not decoded again. Pixels reach the disk before the index speaks of them, so
that a crash loses what is not committed and nothing else. A member of a container is known by its name there and by size and
times of the container. Folders are shared by data sets and can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import PIL

from imbalkit.base.locks import Note, held
from imbalkit.base.threads import available_cores
from imbalkit.data.image_store import BadImage, CachedImages
from imbalkit.data.kept_files import KeptFiles
from imbalkit.errors import DataError
from imbalkit_lite.containers import absolute, in_reading_order, member_facts, split_address
from imbalkit_lite.files import size_text
from imbalkit_lite.images import ImageRule, read_image
from imbalkit_lite.members import Facts
from imbalkit_lite.opening import read_files

Progress = Callable[[int, int], None]

_COMMIT_EVERY = 256  # images
_QUEUE = 4096  # images handed to the threads at once
_AT_A_TIME = 16  # images that a thread decodes before it writes and reports: fewer, and threads wait for each other
_SPARE_BYTES = 64 * 2**20  # stay free on the disk
REFUSED = "fix or remove them, or set images.on_bad_image to skip)"  # endings of `bad_images_message`
LEFT_OUT = "fix or remove them, or set images.on_bad_image to error to stop here); left out"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pixels (hash BLOB PRIMARY KEY, {places}) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files
    (path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, hash BLOB) WITHOUT ROWID;
"""


def default_cache_dir() -> Path:
    """`$IMBALKIT_CACHE`, or `imbalkit` in `$XDG_CACHE_HOME`, or `~/.cache/imbalkit`."""
    if os.environ.get("IMBALKIT_CACHE"):
        return Path(os.environ["IMBALKIT_CACHE"]).expanduser()
    base = Path(os.environ.get("XDG_CACHE_HOME") or "")
    return (base if base.is_absolute() else Path.home() / ".cache") / "imbalkit"


class Cache:
    """The decoded images of one rule below `folder` (default: `default_cache_dir()`)."""

    what = "decodes images into"
    suffix = ""  # of the folder's name
    data = "pixels.bin"
    advice = "make room, choose a smaller image size, set images.keep to files"
    places: tuple[str, ...] = ("slot",)  # columns of the index that say where an image is in it

    def __init__(self, folder: str | os.PathLike[str] | None, rule: ImageRule, workers: int | None = None):
        self.root = Path(folder).expanduser() if folder is not None else default_cache_dir()
        self.folder = self.root / (rule.key + self.suffix)
        self.rule = rule
        self.shape = (*rule.size, 3)
        self.dtype = np.dtype(np.uint8)
        self.record = int(np.prod(self.shape)) * self.dtype.itemsize  # bytes of an image's pixels
        self._next = 0
        self.workers = workers or available_cores() + 1  # one more, as a thread waits for Python's lock now and then

    def fill(
        self,
        paths: Sequence[str | os.PathLike[str]],
        progress: Progress | None = None,
        on_bad_image: Literal["error", "skip"] = "error",
        note: Note | None = None,
    ) -> CachedImages | KeptFiles:
        """Decode what the folder does not hold yet; safe beside other runs and against a crash at any moment.

        Args:
            paths: one file a sample, in the table's order (repeats allowed)
            progress: called with (files done, files in all)
            on_bad_image: "error" lists every unreadable file, "skip" leaves them out and says which in `.bad`
            note: called when another process fills the folder and is waited for (default: a logger)

        Raises:
            DataError: unreadable files (all of them, after one scan), a full disk, a folder that cannot be written
            RunError: another process has held the folder for half an hour without getting on
        """
        names = [absolute(path) for path in paths]
        reasons: dict[str, str] = {}  # bad file -> why
        decoded = 0
        with self._clear_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            stats = {name: stat_of(name) for name in dict.fromkeys(names)}
            if not (self.folder / "meta.json").exists() or len(self._lookup(stats)) < len(stats):
                what = f"{self.what} the cache {self.folder}"
                with held(self.folder / "fill.lock", what, note, self._progress):
                    self._create()
                    known = self._lookup(stats)  # once more: another run may have filled it meanwhile
                    missing = in_reading_order(name for name in stats if name not in known)
                    self._check_space(self._need(missing, stats))
                    decoded = self._decode(missing, reasons, progress, len(stats))
            found = self._lookup(stats)
            if progress:
                progress(len(stats), len(stats))
            bad = [BadImage(i, str(paths[i]), reasons[name]) for i, name in enumerate(names) if name in reasons]
            if bad and on_bad_image == "error":
                raise DataError(bad_images_message(bad, len(names), REFUSED))
            nowhere = (-1,) * len(self.places), 0
            places = np.array([found.get(name, nowhere)[0] for name in names], dtype=np.int64)
            content = np.array([found.get(name, nowhere)[1] for name in names], dtype=np.uint64)
            places = places.reshape(len(names), len(self.places))
            changed = [names[row] for row in np.flatnonzero(places[:, 0] < 0) if names[row] not in reasons]
            if changed:
                raise DataError(f"{changed[0]} changed while it was read; run again when nothing writes to the data")
            return self._images(places, bad, decoded, content)

    def holds(self, paths: Iterable[str | os.PathLike[str]]) -> bool:
        """Whether every image is here, as it is now: nothing would be decoded."""
        stats = {name: stat_of(name) for name in {absolute(path) for path in paths}}
        with self._clear_errors():
            return (self.folder / "meta.json").exists() and len(self._lookup(stats)) == len(stats)

    def _images(
        self, places: np.ndarray, bad: Sequence[BadImage], decoded: int, content: np.ndarray
    ) -> CachedImages | KeptFiles:
        return CachedImages(self.folder, places[:, 0], bad, decoded, content)

    def _need(self, missing: Sequence[str], stats: Mapping[str, Facts]) -> int:
        """Bytes that the missing files will take."""
        with closing(self._connect()) as index:
            known = index.execute("SELECT count(*) FROM pixels").fetchone()[0]
        # Stored pixels that no listed file claims may be those of moved files: never refuse for too little by them.
        return (len(missing) - max(0, known - (len(stats) - len(missing)))) * self.record

    def _checked(self, content: bytes) -> Any:
        """What is kept of a file. Raises DataError for one that cannot be decoded."""
        return read_image(content, self.rule)

    def _append(self, file: Any, kept: Sequence[Any]) -> list[tuple[int, ...]]:
        """Write to the file's end, from whole records on; the place of each."""
        first = self._next
        file.seek(first * self.record)
        write_all(file, np.stack(kept))
        self._next += len(kept)
        return [(first + number,) for number in range(len(kept))]

    def _after(self, known: Iterable[tuple[int, ...]]) -> int:
        """Where the next record goes."""
        return max((place[0] for place in known), default=-1) + 1

    def _create(self) -> None:
        """Lay out an empty store, unless there is one."""
        meta = self.folder / "meta.json"
        if meta.exists():
            self._add_ctime()
            return
        for name in ("index.sqlite", "index.sqlite-journal", self.data):  # left by a crash before meta.json
            (self.folder / name).unlink(missing_ok=True)
        (self.folder / self.data).touch()
        with closing(self._connect()) as index:
            index.executescript(_SCHEMA.format(places=", ".join(f"{name} INTEGER NOT NULL" for name in self.places)))
        facts = {
            "dtype": self.dtype.name,
            "shape": list(self.shape),
            "rule": asdict(self.rule),
            "pillow": PIL.__version__,
        }
        draft = meta.with_suffix(".draft")
        draft.write_text(json.dumps(facts, indent=1))
        draft.replace(meta)  # last: who sees it sees a complete store

    def _add_ctime(self) -> None:
        """The column that an index of before lacks; its files are read once more, but not decoded."""
        with closing(self._connect()) as index, index:
            if not _has_ctime(index):
                index.execute("ALTER TABLE files ADD COLUMN ctime_ns INTEGER")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.folder / "index.sqlite", timeout=60)

    def _lookup(self, stats: Mapping[str, Facts]) -> dict[str, tuple[tuple[int, ...], int]]:
        """Place, and 64 bits of the content's hash, of the files that are as they were when they were decoded."""
        query = (
            f"SELECT path, size, mtime_ns, ctime_ns, hash, {', '.join(self.places)} FROM files JOIN pixels USING (hash) "
            "WHERE path IN (%s)"
        )
        found: dict[str, tuple[tuple[int, ...], int]] = {}
        with closing(self._connect()) as index:
            if not _has_ctime(index):
                return {}
            for names in _chunks(list(stats), 500):
                rows = index.execute(query % ",".join("?" * len(names)), [os.fsencode(name) for name in names])
                for path, size, mtime, ctime, content, *place in rows:
                    name = os.fsdecode(path)
                    if stats[name] == (size, mtime, ctime):
                        found[name] = tuple(place), int.from_bytes(content[:8], "little")
        return found

    def _decode(self, missing: list[str], reasons: dict[str, str], progress: Progress | None, total: int) -> int:
        """Read `missing`, decode what no hash knows, commit every few hundred; returns how many were decoded."""
        with closing(self._connect()) as index, open(self.folder / self.data, "r+b", buffering=0) as file:
            rows = index.execute(f"SELECT hash, {', '.join(self.places)} FROM pixels")
            known: dict[bytes, tuple[int, ...]] = {digest: tuple(place) for digest, *place in rows}
            before = len(known)
            self._next = self._after(known.values())
            writing = threading.Lock()

            def work(names: list[str]) -> list[tuple[bytes, int, int, int, bytes] | None]:
                """The files' lines in the index; None for a bad image."""
                lines: list[tuple[bytes, int, int, int, bytes] | None] = []
                fresh: dict[bytes, Any] = {}
                for name, found in zip(names, read_files(names), strict=True):
                    try:
                        if isinstance(found, DataError):
                            raise found
                        content, facts = found
                        digest = hashlib.blake2b(content, digest_size=16).digest()
                        if digest not in known and digest not in fresh:
                            fresh[digest] = self._checked(content)
                        lines.append((os.fsencode(name), *facts, digest))
                    except DataError as error:
                        reasons[name] = str(error)
                        lines.append(None)
                with writing:
                    fresh = {digest: kept for digest, kept in fresh.items() if digest not in known}
                    if fresh:  # another thread may have met the same content
                        known.update(zip(fresh, self._append(file, list(fresh.values())), strict=True))
                return lines

            at_a_time = max(1, min(_AT_A_TIME, len(missing) // (4 * self.workers)))
            pool = ThreadPoolExecutor(self.workers, thread_name_prefix="imbalkit-decode")
            try:
                done, batch = total - len(missing), []
                parts = (pool.map(work, _chunks(part, at_a_time)) for part in _chunks(missing, _QUEUE))
                for row in itertools.chain.from_iterable(rows for part in parts for rows in part):
                    done += 1
                    if row is not None:
                        batch.append(row)
                    if len(batch) == _COMMIT_EVERY or done == total:
                        os.fsync(file.fileno())  # pixels first, then the index that speaks of them
                        with index:
                            index.executemany(
                                f"INSERT OR IGNORE INTO pixels VALUES (?{', ?' * len(self.places)})",
                                [(row[-1], *known[row[-1]]) for row in batch],
                            )
                            index.executemany(
                                "INSERT OR REPLACE INTO files (path, size, mtime_ns, ctime_ns, hash) VALUES (?, ?, ?, ?, ?)",
                                batch,
                            )
                        batch = []
                    if progress:
                        progress(done, total)
            finally:
                pool.shutdown(cancel_futures=True)
            return len(known) - before

    def _check_space(self, need: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if need > 0 and need + _SPARE_BYTES > free:
            raise DataError(
                f"the cache {self.root} needs {size_text(need)} more, and {size_text(free)} are free there: "
                f"{self.advice}, or name another folder in IMBALKIT_CACHE"
            )

    def _progress(self) -> object:
        """Another value when a run that fills the cache gets on."""
        return stat_of(str(self.folder / self.data)), stat_of(str(self.folder / "index.sqlite"))

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise DataError(
                f"the cache {self.folder} cannot be used ({error}): make room on the disk or name a folder that can be "
                "written in IMBALKIT_CACHE; if the folder is damaged, delete it"
            ) from None


def bad_images_message(bad: Sequence[BadImage], total: int, ending: str, most: int = 20) -> str:
    """Which files could not be read, the first `most` by name; `ending` is REFUSED or LEFT_OUT."""
    lines = [f"  sample {image.index}: {image.path}: {image.reason}" for image in bad[:most]]
    more = [f"  ... and {len(bad) - most} more"] if len(bad) > most else []
    return "\n".join([f"{len(bad)} of {total} images cannot be read ({ending}:", *lines, *more])


def stat_of(name: str) -> Facts:
    """What tells that a file, or a container's member, is as it was; -1 for what is not there, which no record equals."""
    address = split_address(name)
    if address is not None:
        return member_facts(address) or Facts(-1, -1, -1)
    try:
        return Facts.of(os.stat(name))
    except (OSError, ValueError):  # a null byte in a name
        return Facts(-1, -1, -1)


def _has_ctime(index: sqlite3.Connection) -> bool:
    return any(row[1] == "ctime_ns" for row in index.execute("PRAGMA table_info(files)"))


def write_all(file: Any, pixels: np.ndarray | bytes) -> None:
    view = (memoryview(pixels) if isinstance(pixels, bytes) else np.ascontiguousarray(pixels).data).cast("B")
    while view:  # a raw write may take less than it is given when the disk is nearly full
        view = view[file.write(view) :]


def _chunks(items: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
