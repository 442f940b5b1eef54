"""Near duplicates: the search against plain Python, the peaks against a float64 formula, copies and photographs."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from imbalkit.errors import DataError
from imbalkit.inspection import near_duplicates
from imbalkit.inspection.near_duplicates import Fingerprints, close_pairs, fingerprints, near_duplicate_pairs
from imbalkit_lite.images import decode
from tests.properties import examples

HAM10000 = Path(__file__).parents[3] / "shared" / "data" / "ham10000" / "images"
needs_ham10000 = pytest.mark.skipif(
    not HAM10000.exists(), reason="the photographs (../shared/data/ham10000) are absent"
)
LANCZOS = Image.Resampling.LANCZOS


def scene(seed: int, size: int = 200) -> Image.Image:
    """A picture with structure of all sizes, as a photograph has."""
    random = np.random.default_rng(seed)
    planes = [
        sum(gaussian_filter(random.normal(size=(size, size)), sigma) * sigma**1.5 for sigma in (1, 2, 4, 8, 16))
        for _ in range(3)
    ]
    pixels = np.stack(planes, axis=-1)
    return Image.fromarray(np.clip(128 + 40 * pixels / pixels.std(), 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("scenes")
    paths = [folder / f"{seed}.jpg" for seed in range(12)]
    for seed, path in enumerate(paths):
        scene(seed).save(path, quality=92)
    return paths


# --- the search ---------------------------------------------------------------------------------------------------------


def brute_force(hashes, distance):
    """Every two, in plain Python."""
    bits = lambda i, j: bin(int(hashes[i]) ^ int(hashes[j])).count("1")  # noqa: E731
    n = len(hashes)
    return [[i, j, bits(i, j)] for i in range(n) for j in range(i + 1, n) if bits(i, j) <= distance]


def hashes_near_each_other(seed, n):
    """Hashes of which many are 0 to 16 bits from another one."""
    random = np.random.default_rng(seed)
    hashes = random.integers(0, 2**64, n, dtype=np.uint64)
    for i in range(0, n, 2):
        flips = random.integers(0, 64, random.integers(0, 17))
        mask = sum(1 << int(bit) for bit in set(flips.tolist()))
        hashes[i] = hashes[random.integers(n)] ^ np.uint64(mask)
    return hashes


@pytest.mark.parametrize("numpy", ["bitwise_count", "without bitwise_count"])
@examples(25)
@given(seed=st.integers(0, 1000), n=st.integers(0, 60), distance=st.integers(0, 32))
def test_close_pairs_are_those_of_plain_python(numpy, seed, n, distance):
    hashes = hashes_near_each_other(seed, n)
    with pytest.MonkeyPatch.context() as patch:
        if numpy != "bitwise_count":
            patch.delattr(np, "bitwise_count", raising=False)  # as in NumPy 1
        pairs = close_pairs(hashes, distance)
    assert pairs.dtype == np.int64
    assert pairs.tolist() == brute_force(hashes, distance)


def test_many_hashes_take_little_time_and_memory():
    hashes = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    hashes[19_999] = hashes[0] ^ np.uint64(7)
    start = time.process_time()
    assert close_pairs(hashes, 6).tolist() == [[0, 19_999, 3]]
    assert time.process_time() - start < 5  # 0.3 s measured


@pytest.mark.parametrize("distance", [-1, 33])
def test_a_distance_out_of_range_is_refused_before_anything_is_read(distance):
    with pytest.raises(DataError, match=f"expected a distance of 0 to 32 bits, got {distance}"):
        near_duplicate_pairs(["nowhere.jpg"], distance, lambda done, total: pytest.fail("a picture was read"))


# --- the peaks ----------------------------------------------------------------------------------------------------------


def test_peaks_are_those_of_phase_correlation_in_float64(scenes, tmp_path):
    scene(0).crop((6, 0, 200, 197)).save(tmp_path / "shifted.png")
    paths = [*scenes[:4], tmp_path / "shifted.png"]
    pairs = np.array([[0, 1], [1, 3], [0, 4], [2, 2]])
    found = fingerprints(paths).peaks(pairs)

    def spectrum(path):
        with Image.open(path) as image:
            image.draft("L", (192, 192))
            pixels = np.asarray(image.convert("L").resize((96, 96), LANCZOS), dtype=np.float64)
        fade = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(96) / 95)
        return np.fft.fft2((pixels - pixels.mean()) * fade[:, None] * fade[None])

    y, x = np.meshgrid(np.fft.fftfreq(96, 1 / 96), np.fft.fftfreq(96, 1 / 96), indexing="ij")
    squared = y**2 + x**2
    band = (1 - np.exp(-squared / (2 * 10**2))) * np.exp(-squared / (2 * 24**2))
    for (i, j), peak in zip(pairs, found, strict=True):
        cross = spectrum(paths[i]) * np.conj(spectrum(paths[j]))
        surface = np.fft.ifft2(cross / np.abs(cross) * band).real
        assert peak == pytest.approx(surface.max() / surface.std(), rel=0.01)
    assert found[0] < 10
    assert found[1] < 10
    assert found[2] > 40
    assert found[3] == pytest.approx(82.24, abs=0.01)  # band.sum() / sqrt((band**2).sum())


# --- pictures -----------------------------------------------------------------------------------------------------------

COPIES = {
    "saved again": lambda image, path: image.save(path, quality=40),
    "half the size": lambda image, path: image.resize((100, 100), LANCZOS).save(path, quality=90),
    "three times the size": lambda image, path: image.resize((600, 600)).save(path, quality=90),
    "squashed": lambda image, path: image.resize((300, 200)).save(path, quality=90),
    "brighter": lambda image, path: ImageEnhance.Brightness(image).enhance(1.15).save(path, quality=90),
    "more contrast": lambda image, path: ImageEnhance.Contrast(image).enhance(1.2).save(path, quality=90),
    "in grey": lambda image, path: image.convert("L").save(path, quality=90),
    "cut": lambda image, path: image.crop((4, 0, 200, 198)).save(path, quality=90),
    "turned by EXIF": lambda image, path: image.transpose(Image.Transpose.ROTATE_90).save(
        path, exif=turned(), quality=90
    ),
}


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter clockwise
    return exif


@pytest.mark.parametrize("change", COPIES)
def test_copies_are_found_and_nothing_else(change, scenes, tmp_path):
    copies = []
    for path in scenes:
        copies.append(tmp_path / path.name)
        with Image.open(path) as image:
            COPIES[change](image, copies[-1])
    pairs = near_duplicate_pairs([*scenes, *copies])
    assert pairs[:, :2].tolist() == [[i, i + len(scenes)] for i in range(len(scenes))]
    hashes = fingerprints([*scenes, *copies]).hashes
    assert pairs.tolist() == [row for row in brute_force(hashes, 10) if row[1] - row[0] == len(scenes)]


def test_formats_are_read_as_everywhere_in_the_package(tmp_path):
    image = scene(3)
    grey16 = (np.asarray(image.convert("L")).astype(np.uint16)) * 257
    layered = Image.merge("RGBA", (*image.split(), Image.new("L", image.size, 255)))
    pictures = {"a.png": image, "b.png": Image.fromarray(grey16), "c.png": image.quantize(200), "d.tif": layered}
    for name, picture in pictures.items():
        picture.save(tmp_path / name)
    image.convert("CMYK").save(tmp_path / "e.jpg", quality=95)
    paths = sorted(tmp_path.iterdir())
    assert len(near_duplicate_pairs(paths)) == 10  # every two of five
    expected = imagehash.phash(Image.fromarray(decode(paths[0])).convert("L").resize((96, 96), LANCZOS))
    assert int(fingerprints(paths[:1]).hashes[0]) == int.from_bytes(np.packbits(expected.hash).tobytes(), "little")


def test_arrays_are_pictures_too(scenes):
    arrays = [decode(path) for path in scenes[:2]]
    grey = np.asarray(Image.fromarray(arrays[1]).convert("L"))
    pairs = fingerprints([*arrays, grey, np.stack([grey, grey], axis=-1), scenes[0], scenes[1]]).pairs()
    assert pairs[:, :2].tolist() == [[0, 4], [1, 2], [1, 3], [1, 5], [2, 3], [2, 5], [3, 5]]


def test_a_large_jpeg_is_not_decoded_whole(tmp_path):
    scene(1).resize((3000, 2000)).save(tmp_path / "large.jpg", quality=80)
    image, side = near_duplicates._grey(tmp_path / "large.jpg")
    assert (image.size, side) == ((375, 250), 2000)


def test_mirrored_pictures_are_out_of_scope(scenes, tmp_path):
    with Image.open(scenes[0]) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "mirrored.png")
    assert not len(near_duplicate_pairs([scenes[0], tmp_path / "mirrored.png"]))


def test_uniform_and_tiny_pictures_are_no_pairs(tmp_path):
    random = np.random.default_rng(0)
    for name, level in {"black": 0, "white": 255, "grey": 90, "grey too": 90}.items():
        Image.new("RGB", (80, 80), (level,) * 3).save(tmp_path / f"{name}.png")
    for name in "ab":  # noise of a sensor, and what JPEG makes of it
        noise = np.clip(random.normal(90, 2, (300, 300, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noise).save(tmp_path / f"noise {name}.jpg", quality=60)
    for name in "ab":
        scene(5).resize((28, 40)).save(tmp_path / f"tiny {name}.png")
    paths = sorted(tmp_path.iterdir())
    prints = fingerprints(paths)
    assert prints.faint.tolist() == list(range(8))
    assert len(prints.pairs(32)) == 0
    with Image.open(tmp_path / "grey.png") as flat:  # what is guarded against: flat pictures share one hash
        assert imagehash.phash(flat) == imagehash.phash(Image.new("L", (80, 80), 255))


def test_files_that_cannot_be_read_are_told_about(scenes, tmp_path, caplog):
    (tmp_path / "broken.jpg").write_bytes(scenes[0].read_bytes()[:2000])
    (tmp_path / "text.png").write_text("no picture")
    paths = [tmp_path / "broken.jpg", scenes[0], tmp_path / "text.png", tmp_path / "absent.jpg", scenes[0]]
    done = []
    with caplog.at_level(logging.WARNING, near_duplicates.__name__):
        pairs = near_duplicate_pairs(paths, progress=lambda *counts: done.append(counts))
    assert pairs.tolist() == [[1, 4, 0]]
    assert done == [(number, 5) for number in range(1, 6)]
    assert "3 of 5 pictures cannot be compared: " in caplog.text
    assert "broken.jpg" in caplog.text
    reasons = fingerprints(paths).unreadable
    assert list(reasons) == [0, 2, 3]
    assert reasons[2].endswith("text.png: not an image that Pillow can read")
    assert reasons[3].endswith("absent.jpg: there is no such file")


def test_no_pictures_give_no_pairs():
    for prints in (
        fingerprints([]),
        Fingerprints(np.zeros(0, np.uint64), np.zeros((0, 96, 49), np.uint8), {}, np.array([])),
    ):
        assert prints.pairs().shape == (0, 3)


# --- photographs --------------------------------------------------------------------------------------------------------

SAME_LESION = [
    ("0034228", "0034248", 6),
    ("0027636", "0027994", 10),
    ("0033421", "0033481", 10),
    ("0029152", "0033173", 16),
]


@needs_ham10000
def test_photographs_of_different_lesions_are_no_pairs(tmp_path):
    names = {name for pair in SAME_LESION for name in pair[:2]}
    paths = [
        path for number, path in enumerate(sorted(HAM10000.iterdir())) if number % 8 == 0 or path.stem[5:] in names
    ]
    copies = []
    for path in paths[:40]:
        copies.append(tmp_path / path.name)
        with Image.open(path) as image:
            ImageEnhance.Brightness(image.resize((170, 170))).enhance(1.1).save(copies[-1], quality=70)
    prints = fingerprints([*paths, *copies])
    for distance in (10, 16):
        pairs = prints.pairs(distance)
        own = pairs[:, 1] >= len(paths)
        assert pairs[own][:, :2].tolist() == [[i, len(paths) + i] for i in range(40)]
        found = {(paths[i].stem[5:], paths[j].stem[5:], bits) for i, j, bits in pairs[~own]}
        assert found == {pair for pair in SAME_LESION if pair[2] <= distance}
    candidates = close_pairs(prints.hashes[: len(paths)], 16)
    peaks = np.sort(prints.peaks(candidates))
    assert len(candidates) > 1000
    assert peaks[-5] < 19  # the highest but the four; a pair needs 22
    assert peaks[-4] > 25


def test_sixteen_bit_pictures_are_compared_whatever_bits_they_hold(scenes, tmp_path):
    grey = np.asarray(Image.open(scenes[0]).convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 16).save(tmp_path / "twelve.png")  # nearly black, taken as 16 bits
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    found = fingerprints([tmp_path / "twelve.png", tmp_path / "sixteen.png", scenes[0], scenes[1]])
    assert len(found.faint) == 0
    assert found.pairs()[:, :2].tolist() == [[0, 1], [0, 2], [1, 2]]
