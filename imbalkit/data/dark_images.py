"""Pictures that show nothing: nearly black, or of one value; and the bits that 16-bit pictures really hold."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.errors import DataError
from imbalkit_lite.images import Probe, probe

if TYPE_CHECKING:
    from imbalkit.data.image_store import ImageStore

DARK = 16  # grey levels of 256: a picture without a lighter one is nearly black
_DIM = 64  # pictures of a run without a lighter level may be of 14 bits or fewer
_MOST_BITS = 14  # that 16-bit files are taken to hold instead of 16: with 15 they may just be dark
_LOOKED_AT, _OPENED = 256, 24  # pictures of a run, files of those


def bits_held(found: Sequence[Probe]) -> int | None:
    """How many bits, 8 to 14, the 16-bit grey pictures hold if it is fewer than 16; else None."""
    top = max((one.high for one in found if _is_wide(one)), default=0)
    bits = max(8, int(top).bit_length()) if top > 0 else 16
    return bits if bits <= _MOST_BITS else None


def darkness_of_files(found: Sequence[Probe]) -> list[str]:
    """What to report of images that are nearly black or of one value, and how to scale 16-bit pictures of fewer bits."""
    held = bits_held(found)
    wide = [one for one in found if _is_wide(one)]
    notes = _bits_note(held, len(wide), len(found), max(one.high for one in wide)) if held else []
    rest = [one for one in found if not (held and _is_wide(one))]
    low, high = (np.array([_level(one, end) for one in rest]) for end in ("low", "high"))
    return notes + _level_notes(low, high, len(found))


def darkness_in_a_run(images: ImageStore, paths: Sequence[str], rows: np.ndarray, bits: int) -> list[str]:
    """The same of a run's pictures: of some of them, spread evenly, as the network gets them.

    Args:
        images: decoded pictures
        paths: their files, by row
        rows: those that could be read, int [n]
        bits: `images.bits` of the recipe
    """
    if not len(rows):
        return []
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(_LOOKED_AT, len(rows))).astype(np.int64))]
    pixels = images.take(rows).reshape(len(rows), -1)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    dim = high < _DIM
    if bits == 16 and dim.any():
        with ThreadPoolExecutor(8) as pool:
            found = [one for one in pool.map(_look, (paths[row] for row in rows[dim][:_OPENED])) if one is not None]
        held = bits_held(found)
        if held and all(map(_is_wide, found)):
            notes = _bits_note(held, int(dim.sum()), len(rows), max(one.high for one in found))
            return notes + _level_notes(low[~dim], high[~dim], len(rows))
    return _level_notes(low, high, len(rows))


def _bits_note(held: int, count: int, total: int, top: float) -> list[str]:
    black = "nearly black" if top * 255 / 65535 < DARK else "dark"
    return [
        f"{count:,} of {total:,} pictures have 16 bits and no value above {int(top):,} (of 65,535), as of {held} bits: without "
        f"scaling they are {black}; `images: {{bits: {held}}}` makes 0 to {2**held - 1:,} black to white"
    ]


def _level_notes(low: np.ndarray, high: np.ndarray, total: int) -> list[str]:
    """Notes on the smallest and the largest grey level of pictures, of 0..255 [n]."""
    flat, dark = int((low == high).sum()), int(((low != high) & (high < DARK)).sum())
    notes = []
    if flat:
        notes.append(f"{flat:,} of {total:,} pictures have one value in all pixels: they show nothing")
    if dark:
        notes.append(
            f"{dark:,} of {total:,} pictures are nearly black (no level above {DARK - 1} of 255): if they should not be, scale "
            "their files to the whole range"
        )
    return notes


def _look(path: str) -> Probe | None:
    try:
        return probe(path)
    except DataError:
        return None


def _is_wide(one: Probe) -> bool:
    return one.mode.startswith("I")


def _level(one: Probe, end: str) -> float:
    """A picture's smallest or largest value as a grey level of 0..255."""
    value = getattr(one, end)
    return value * 255 if one.mode == "F" else value * 255 / 65535 if _is_wide(one) else value
