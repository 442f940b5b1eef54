"""What a run keeps of its images: pixels, decoded once, or the files as they are, decoded at each reading."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from imbalkit.base.locks import Note
from imbalkit.data.cache import Cache, Progress, stat_of, write_all
from imbalkit.data.image_store import ArrayStore, BadImage, ImageStore
from imbalkit.data.kept_files import DATA, KeptFiles
from imbalkit_lite.containers import absolute, split_address
from imbalkit_lite.files import size_text
from imbalkit_lite.images import ImageRule
from imbalkit_lite.members import Facts

Keep = Literal["auto", "pixels", "files"]
_WORTH_A_WORD = 10**9  # bytes of pixels from which `auto` says what it chose


class FileCache(Cache):
    """The image files themselves, of one rule, which each of them was decoded by once: so bad images are known."""

    what = "keeps image files in"
    suffix = "-files"
    data = DATA
    places = ("offset", "length")
    advice = "make room"

    def _images(self, places: np.ndarray, bad: Sequence[BadImage], decoded: int, content: np.ndarray) -> KeptFiles:
        return KeptFiles(self.folder, self.rule, places, bad, decoded, content)

    def _need(self, missing: Sequence[str], stats: Mapping[str, Facts]) -> int:
        return total_size({name: stats[name] for name in missing})

    def _checked(self, content: bytes) -> bytes:
        super()._checked(content)
        return content

    def _append(self, file: Any, kept: Sequence[bytes]) -> list[tuple[int, ...]]:
        first = self._next
        file.seek(first)
        write_all(file, b"".join(kept))
        ends = first + np.cumsum([len(content) for content in kept])
        self._next = int(ends[-1])
        return [(int(end) - len(content), len(content)) for end, content in zip(ends, kept, strict=True)]

    def _after(self, known: Iterable[tuple[int, ...]]) -> int:
        return max((offset + length for offset, length in known), default=0)


def open_store(
    paths: Sequence[str] | None,
    arrays: np.ndarray | None,
    rule: ImageRule,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    on_bad_image: Literal["error", "skip"] = "error",
    note: Note | None = None,
    keep: Keep = "auto",
) -> ImageStore:
    """A table's pixels: its arrays if it has them, its files through the cache otherwise; `keep` as in a recipe."""
    if arrays is not None:
        return ArrayStore(arrays, rule)
    if keep == "auto":
        keep, why = chosen(paths or (), rule, folder)
        if why and note:
            note(why)
    kind = FileCache if keep == "files" else Cache
    return kind(folder, rule).fill(paths or (), progress, on_bad_image, note)


def chosen(
    paths: Sequence[str], rule: ImageRule, folder: str | os.PathLike[str] | None
) -> tuple[Literal["pixels", "files"], str]:
    """What `auto` means for these images: pixels if they fit half of the free disk or are there; and why, "" if that is plain."""
    pixels, files = Cache(folder, rule), FileCache(folder, rule)
    free = shutil.disk_usage(
        next(place for place in (pixels.root, *pixels.root.absolute().parents) if place.exists())
    ).free
    most = len(paths) * pixels.record
    if most <= min(_WORTH_A_WORD, free // 2) or pixels.holds(paths):
        return "pixels", ""
    if files.holds(paths):
        return "files", ""
    need = total_size({name: stat_of(name) for name in {absolute(path) for path in paths}})
    keep: Literal["pixels", "files"] = "pixels" if most <= free // 2 else "files"
    half = "fit" if keep == "pixels" else "do not fit"
    return keep, (
        f"images.keep: {keep}, as the pixels ({size_text(most)}) {half} half of the {size_text(free)} that are free at "
        f"{pixels.root}; the files themselves are {size_text(need)}"
    )


def total_size(stats: Mapping[str, Facts]) -> int:
    """Bytes of files; of containers, whole ones."""
    sizes = {(split_address(name) or (name,))[0]: facts.size for name, facts in stats.items() if facts.ctime_ns >= 0}
    remote = sum(facts.size for name, facts in stats.items() if "://" in name)
    return sum(size for place, size in sizes.items() if "://" not in place) + remote
