"""Finds pictures that are one photograph: saved again, resized, brighter, or cut a little differently.

Two steps. Pictures whose perceptual hashes (`imagehash.phash`: signs of the low frequencies of the grey picture, 64 bits)
differ in few bits are candidates. A candidate is confirmed by phase correlation (Kuglin & Hines 1975) of grey 96x96 copies
at 10 to 24 cycles a picture: what both show, also shifted by some pixels, adds up to one peak.

What was seen on 5,984 dermoscopy photographs, one a lesion by their table (17.9 million pairs):

* Hashes alone will not do: 73 pairs are within 4 bits, 1,075 within 8, 3,545 within 10; those looked at were different
  lesions, dark blobs of one size at one place. (The difference hash `dhash` gave 403 within 4.)
* Of the 78,094 pairs within 16 bits four have peaks of 25 to 41; all others are at 18.5 or below. All four show one lesion
  under two lesion ids: ISIC_0034228 and 0034248 (6 bits), 0027636 and 0027994 (10), 0033421 and 0033481 (10), 0029152 and
  0033173 (16). Hence the limits: a peak of 22, and 10 bits, which leave the first three.
* Of copies of 300 of the photographs all are found at JPEG quality 20, half or twice the size, squashed to 3:2, 30 %
  brighter, 20 % darker, or with 1 % cut off each side; 99.7 % with 2 % cut off two sides; 89 % with 3 % cut off each side.

Time and memory, on one core: 2 ms for reading a photograph of 224 px, 30 ms for a JPEG of 6000x4000; 2 s for the search
among 58,000 hashes and 75 us a candidate; 0.5 GB for 58,000 pictures.

Not found: copies that are turned by more than a degree or so, mirrored, or cropped further. Colour is not looked at. Nearly
uniform and very small pictures say too little and are never a pair.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike

import numpy as np
from PIL import Image, ImageOps

from imbalkit.data.cache import available_cores
from imbalkit.errors import DataError
from imbalkit_lite.images import decode
from imbalkit_lite.opening import open_picture

Picture = str | PathLike[str] | np.ndarray
Progress = Callable[[int, int], None]
logger = logging.getLogger(__name__)

DISTANCE = 10  # bits of 64
MOST_DISTANCE = 32  # what two pictures that have nothing in common differ in
LEAST_PEAK = 22.0  # of the phase correlation, in its standard deviations
LEAST_SIDE = 32  # px
LEAST_CONTRAST = 2.0  # standard deviation of the grey levels (of 255) below which a picture is nearly uniform
_SIDE, _BAND = 96, (10, 24)  # px of the copies, cycles a picture
_CHUNK = 200  # pairs correlated at once


@dataclass(frozen=True)
class Fingerprints:
    """What is kept of n pictures for comparing them, 5 kB each.

    Attributes:
        hashes: uint64 [n]
        phases: uint8 [n, 96, 49], phases of the picture's spectrum in turns / 256
        unreadable: index of each picture that cannot be read -> why
        faint: indices of pictures that say too little to be compared: nearly uniform, or smaller than 32 px; int64
    """

    hashes: np.ndarray
    phases: np.ndarray
    unreadable: dict[int, str]
    faint: np.ndarray

    def pairs(self, distance: int = DISTANCE) -> np.ndarray:
        """Near duplicates, as `near_duplicate_pairs` gives them."""
        left_out = np.union1d(self.faint, list(self.unreadable)).astype(np.int64)
        usable = np.setdiff1d(np.arange(len(self.hashes)), left_out)
        pairs = close_pairs(self.hashes[usable], distance)
        pairs[:, :2] = usable[pairs[:, :2]]
        return pairs[self.peaks(pairs) >= LEAST_PEAK]

    def peaks(self, pairs: np.ndarray) -> np.ndarray:
        """Height of each pair's phase correlation in its standard deviations, float [pairs]; at most about 82."""
        with ThreadPoolExecutor(available_cores(), thread_name_prefix="imbalkit-correlate") as pool:
            chunks = np.array_split(pairs[:, :2], max(1, len(pairs) // _CHUNK))
            return np.concatenate(list(pool.map(self._peaks, chunks)))

    def _peaks(self, pairs: np.ndarray) -> np.ndarray:
        turns = np.exp(2j * np.pi * np.arange(256) / 256).astype(np.complex64)
        # Phases are uint8, so that their difference wraps around as an angle does.
        spectrum = turns[self.phases[pairs[:, 0]] - self.phases[pairs[:, 1]]] * _band()
        surface = np.fft.irfft2(spectrum, s=(_SIDE, _SIDE)).reshape(len(pairs), _SIDE**2)
        return surface.max(axis=1) / surface.std(axis=1)  # its mean is 0, as the band leaves frequency 0 out


def near_duplicate_pairs(
    paths: Sequence[str | PathLike[str]], distance: int = DISTANCE, progress: Progress | None = None
) -> np.ndarray:
    """Pairs of image files that show one photograph.

    Args:
        paths: one file a picture (repeats allowed)
        distance: in how many bits of 64 the perceptual hashes of a candidate pair may differ, 0 to 32; more finds copies
            that are cropped or shifted further, and takes longer
        progress: called with (files read, files in all)

    Returns:
        int64 [pairs, 3] of (i, j, bits that the hashes differ in), i < j, sorted. These distances are even, as half of a
        hash's bits are set. A file that cannot be read is in no pair; a warning of this module's logger names the first.

    Raises:
        DataError: a distance that is not within 0 to 32
    """
    check_distance(distance)
    found = fingerprints(paths, progress)
    if found.unreadable:
        first = next(iter(found.unreadable.values()))
        logger.warning("%d of %d pictures cannot be compared: %s", len(found.unreadable), len(paths), first)
    return found.pairs(distance)


def fingerprints(pictures: Sequence[Picture], progress: Progress | None = None) -> Fingerprints:
    """Read pictures, files or uint8 arrays [h, w] or [h, w, c], in threads; a large JPEG is decoded at an eighth of its size."""
    import imagehash  # noqa: F401  (before the threads, which would import it at the same time)

    n = len(pictures)
    hashes, phases = np.zeros(n, dtype=np.uint64), np.zeros((n, _SIDE, _SIDE // 2 + 1), dtype=np.uint8)
    unreadable: dict[int, str] = {}
    faint = []
    pool = ThreadPoolExecutor(available_cores(), thread_name_prefix="imbalkit-hash")
    try:
        for index, result in enumerate(pool.map(_fingerprint, pictures)):
            if isinstance(result, str):
                unreadable[index] = result
            elif result is None:
                faint.append(index)
            else:
                hashes[index], phases[index] = result
            if progress:
                progress(index + 1, n)
    finally:
        pool.shutdown(cancel_futures=True)
    return Fingerprints(hashes, phases, unreadable, np.array(faint, dtype=np.int64))


def close_pairs(hashes: np.ndarray, distance: int) -> np.ndarray:
    """All pairs of hashes, uint64 [n], that differ in at most `distance` bits: int64 [pairs, 3] of (i, j, bits), sorted.

    Compares every two, row by row: no index is faster at such distances. Raises DataError for one that is not within 0 to 32.
    """
    check_distance(distance)
    found = [np.empty((0, 3), dtype=np.int64)]
    for i in range(len(hashes) - 1):
        bits = _bits(hashes[i] ^ hashes[i + 1 :])
        near = np.flatnonzero(bits <= distance)
        if len(near):
            found.append(np.stack([np.full(len(near), i), i + 1 + near, bits[near]], axis=1))
    return np.concatenate(found)


def check_distance(distance: int) -> None:
    """Raise DataError unless it is from 0 to 32 bits."""
    if not 0 <= distance <= MOST_DISTANCE:
        raise DataError(f"expected a distance of 0 to {MOST_DISTANCE} bits, got {distance}")


def _bits(values: np.ndarray) -> np.ndarray:
    """How many bits of each uint64 are set, uint8."""
    if hasattr(np, "bitwise_count"):  # NumPy 2
        return np.bitwise_count(values)
    # Sums of 2, 4, then 8 neighbouring bits; the product adds the eight sums up in its highest byte.
    one, two, four, ones = (np.uint64(int(byte * 8, 16)) for byte in ("55", "33", "0f", "01"))
    values = values - ((values >> np.uint64(1)) & one)
    values = (values & two) + ((values >> np.uint64(2)) & two)
    return ((((values + (values >> np.uint64(4))) & four) * ones) >> np.uint64(56)).astype(np.uint8)


@lru_cache(maxsize=1)
def _band() -> np.ndarray:
    """Weight of each frequency, float32 [96, 49]: a Gaussian low-pass times a Gaussian high-pass."""
    cycles = np.hypot(np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None]) * _SIDE
    low, high = (np.exp(-((cycles / edge) ** 2) / 2) for edge in _BAND)
    return ((1 - low) * high).astype(np.float32)


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    """Fades a picture's border out, float32 [96, 96]: the Fourier transform takes opposite borders for neighbours."""
    return np.outer(np.hanning(_SIDE), np.hanning(_SIDE)).astype(np.float32)


def _fingerprint(picture: Picture) -> tuple[np.uint64, np.ndarray] | str | None:
    """Hash and phases; None of a picture that says too little; or why it cannot be read."""
    import imagehash

    if isinstance(picture, np.ndarray) and not picture.size:  # of a table's row, which has no picture
        return None
    try:
        image, side = _grey(picture)
    except DataError as error:
        return str(error)
    small = image.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, dtype=np.float32)
    if side < LEAST_SIDE or pixels.std() < LEAST_CONTRAST:
        return None
    angles = np.angle(np.fft.rfft2((pixels - pixels.mean()) * _window()))  # -pi to pi
    phases = np.round(angles * (128 / np.pi)).astype(np.int64).astype(np.uint8)
    return np.packbits(imagehash.phash(small).hash).view(np.uint64)[0], phases


def _grey(picture: Picture) -> tuple[Image.Image, int]:
    """A picture in grey, upright (a JPEG perhaps reduced, to 192 px or more), and its shorter side. Raises DataError."""
    if isinstance(picture, np.ndarray):
        planes = picture if picture.ndim == 3 else picture[..., None]
        pixels = planes if planes.shape[2] == 3 else planes.mean(axis=2).astype(np.uint8)
        return Image.fromarray(pixels).convert("L"), min(planes.shape[:2])
    with open_picture(picture) as image:
        side = min(image.size)
        if image.mode.startswith("I"):  # whatever bits it holds: what is compared does not depend on brightness
            values = np.clip(np.asarray(ImageOps.exif_transpose(image), dtype=np.float32), 0, None)
            return Image.fromarray((values * (255 / max(values.max(), 1))).astype(np.uint8)), side
        if (image.draft("L", (2 * _SIDE, 2 * _SIDE)) or ("",))[0] == "L":
            return ImageOps.exif_transpose(image).convert("L"), side
    pixels = decode(picture)
    return Image.fromarray(pixels).convert("L"), min(pixels.shape[:2])
