"""Decoding against Pillow and hand-made files; resizing against an independent version of the documented rule."""

from __future__ import annotations

import io
import math
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from imbalkit_lite.errors import DataError
from imbalkit_lite.images import (
    INTERPOLATIONS,
    ImageRule,
    decode,
    probe,
    read_image,
    read_pixels,
    resize,
)

FILTERS = {
    "bilinear": (1.0, lambda x: max(0.0, 1 - abs(x))),
    "bicubic": (2.0, lambda x: _cubic(abs(x))),
    "lanczos": (3.0, lambda x: np.sinc(x) * np.sinc(x / 3) if abs(x) < 3 else 0.0),
}


def _cubic(x: float, a: float = -0.5) -> float:
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


def scale_axis(line: np.ndarray, new: int, how: str) -> np.ndarray:
    """The docstring of `resize`, word by word, for the first axis of int64 [n, ...]."""
    n = len(line)
    s = n / new
    out = []
    for i in range(new):
        if how == "nearest":
            out.append(line[math.floor(Fraction(2 * i + 1, 2) * Fraction(n, new))])
            continue
        support, weigh = FILTERS[how]
        stretch = max(s, 1.0)
        c, r = (i + 0.5) * s, support * stretch
        low, high = max(0, int(c - r + 0.5)), min(n, int(c + r + 0.5))
        weights = np.array([weigh((j + 0.5 - c) / stretch) for j in range(low, high)])
        weights = weights / weights.sum()
        whole = np.trunc(weights * 2**22 + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
        total = (whole.reshape(-1, *[1] * (line.ndim - 1)) * line[low:high]).sum(0)
        out.append(np.clip((total + 2**21) >> 22, 0, 255))
    return np.stack(out)


def scale(array: np.ndarray, height: int, width: int, how: str) -> np.ndarray:
    array = array.astype(np.int64)
    if array.shape[1] != width:
        array = scale_axis(array.transpose(1, 0, 2), width, how).transpose(1, 0, 2)
    if array.shape[0] != height:
        array = scale_axis(array, height, how)
    return array


def half_up(x: float) -> int:
    return math.floor(x + 0.5)


@pytest.mark.parametrize("how", INTERPOLATIONS)
@pytest.mark.parametrize("size", [(7, 9), (40, 23), (16, 16)])
def test_squash_is_the_documented_rule(how, size):
    image = np.random.default_rng(0).integers(0, 256, (16, 29, 3), dtype=np.uint8)
    result = resize(image, ImageRule(size, "stretch", how))
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, scale(image, *size, how))


@pytest.mark.parametrize("shape", [(16, 29), (29, 16), (15, 15), (31, 10), (1, 6)])
@pytest.mark.parametrize("size", [(8, 8), (9, 14), (40, 20)])
def test_crop_and_pad_are_the_documented_rule(shape, size):
    image = np.random.default_rng(1).integers(1, 256, (*shape, 3), dtype=np.uint8)
    (height, width), (h, w) = shape, size

    factor = max(h / height, w / width)
    new = (max(h, half_up(height * factor)), max(w, half_up(width * factor)))
    top, left = (new[0] - h) // 2, (new[1] - w) // 2
    expected = scale(image, *new, "bilinear")[top : top + h, left : left + w]
    np.testing.assert_array_equal(resize(image, ImageRule(size, "crop")), expected)

    factor = min(h / height, w / width)
    new = (min(h, max(1, half_up(height * factor))), min(w, max(1, half_up(width * factor))))
    expected = np.zeros((h, w, 3), dtype=np.int64)
    top, left = (h - new[0]) // 2, (w - new[1]) // 2
    expected[top : top + new[0], left : left + new[1]] = scale(image, *new, "bilinear")
    np.testing.assert_array_equal(resize(image, ImageRule(size, "pad")), expected)


@pytest.mark.parametrize("mode", ["stretch", "crop", "pad"])
def test_resize_treats_channels_apart(mode):
    image = np.random.default_rng(2).integers(0, 256, (21, 30, 5), dtype=np.uint8)
    rule = ImageRule((12, 10), mode, "bicubic")
    result = resize(image, rule)
    assert result.shape == (12, 10, 5)
    for channel in range(5):
        np.testing.assert_array_equal(result[..., channel], resize(image[..., channel], rule)[..., 0])
    np.testing.assert_array_equal(result[..., :3], resize(image[..., :3], rule))


def test_same_size_is_a_copy():
    image = np.random.default_rng(3).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    result = resize(image, ImageRule((8, 8)))
    np.testing.assert_array_equal(result, image)
    result[:] = 0
    assert image.any()


def test_resize_refuses():
    with pytest.raises(DataError, match=r"uint8 \[H, W, C\], got float64 \[4, 4, 3\]"):
        resize(np.zeros((4, 4, 3)), ImageRule((2, 2)))
    with pytest.raises(DataError, match="too thin"):
        resize(np.zeros((1, 60000, 1), dtype=np.uint8), ImageRule((320, 320), "crop"))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"size": (0, 4)}, "at least 1 px"),
        ({"size": (4, 4), "resize": "strech"}, "did you mean 'stretch'"),
        ({"size": (4, 4), "interpolation": "linear"}, "did you mean 'bilinear'"),
        ({"size": (4, 4), "bits": 7}, "expected 8 to 16 bits, got 7"),
    ],
)
def test_rule_refuses(options, message):
    with pytest.raises(DataError, match=message):
        ImageRule(**options)


def test_every_rule_has_a_key_of_its_own():
    assert ImageRule((8, 8)).key == "8x8-stretch-bilinear-upright-v1"  # a new key leaves existing caches behind
    rules = [
        ImageRule((8, 8)),
        ImageRule((8, 9)),
        ImageRule((8, 8), bits=12),
        ImageRule((8, 8), "pad"),
        ImageRule((8, 8), interpolation="nearest"),
    ]
    assert len({rule.key for rule in [*rules, ImageRule((8, 8), exif=False)]}) == 6


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)


def test_rgb_and_greyscale():
    colour, grey = noise(6, 5, 3), noise(6, 5)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(colour), "PNG")), colour)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(grey), "PNG")), np.repeat(grey[..., None], 3, 2))
    bits = Image.fromarray(grey > 127)
    np.testing.assert_array_equal(decode(encoded(bits, "PNG"))[..., 1], (grey > 127) * np.uint8(255))


def test_palette_with_and_without_transparency():
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    np.testing.assert_array_equal(decode(encoded(image, "PNG"))[0], [[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    clear = decode(encoded(image, "PNG", transparency=1))
    np.testing.assert_array_equal(clear[0], [[255, 0, 0], [255, 255, 255], [0, 0, 255]])


def test_alpha_is_laid_over_white():
    image = np.zeros((1, 3, 4), dtype=np.uint8)
    image[0, :, 0], image[0, :, 3] = 200, (0, 51, 255)
    result = decode(encoded(Image.fromarray(image), "PNG"))[0].astype(int)
    np.testing.assert_allclose(result, [[255, 255, 255], [244, 204, 204], [200, 0, 0]], atol=1)
    grey = Image.fromarray(np.array([[[10, 0], [10, 255]]], dtype=np.uint8), "LA")
    np.testing.assert_array_equal(decode(encoded(grey, "PNG"))[0], [[255] * 3, [10] * 3])


def test_cmyk():
    image = Image.new("CMYK", (4, 4), (0, 255, 255, 0))  # red
    np.testing.assert_allclose(decode(encoded(image, "TIFF"))[0, 0], [255, 0, 0])
    np.testing.assert_allclose(decode(encoded(image, "JPEG", quality=95))[0, 0], [255, 0, 0], atol=3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits(kind):
    values = np.array([[0, 128, 129, 257, 32896, 65406, 65407, 65535]], dtype=np.uint16)
    expected = [math.floor(value / 257 + 0.5) for value in values[0].tolist()]
    assert len(set(expected)) == 5
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(values), kind))[0, :, 2], expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
@pytest.mark.parametrize("bits", [8, 10, 12, 15])
def test_fewer_bits_in_sixteen(kind, bits):
    top = 2**bits - 1
    values = np.unique(np.linspace(0, top, 600).round()).astype(np.uint16)[None]
    expected = [math.floor(Fraction(255 * value, top) + Fraction(1, 2)) for value in values[0].tolist()]
    assert (expected[0], expected[-1]) == (0, 255)
    content = encoded(Image.fromarray(values), kind)
    np.testing.assert_array_equal(decode(content, bits=bits)[0, :, 1], expected)
    found = read_image(content, ImageRule(values.shape, bits=bits))
    np.testing.assert_array_equal(found, decode(content, bits=bits))
    values[0, 0] = top + 1
    with pytest.raises(DataError, match=rf"at most {bits} bits \(0 to {top}\), got .* to {top + 1}: images.bits"):
        decode(encoded(Image.fromarray(values), kind), bits=bits)


def test_bits_are_of_sixteen_bit_pictures_alone():
    colour = noise(6, 5, 3)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(colour), "PNG"), bits=10), colour)
    np.testing.assert_array_equal(resize(colour, ImageRule((6, 5), bits=10)), colour)


def test_probe_reads_values_and_refuses_what_decode_refuses(tmp_path):
    cases = {
        "wide.png": (np.array([[7, 4095]], dtype=np.uint16), ("I;16", 7, 4095)),
        "float.tif": (np.array([[0.25, 0.5]], dtype=np.float32), ("F", 0.25, 0.5)),
        "big.tif": (np.array([[0, 70000]], dtype=np.int32), None),
        "above.tif": (np.array([[0, 2]], dtype=np.float32), None),
    }
    for name, (values, expected) in cases.items():
        Image.fromarray(values).save(tmp_path / name)
        if expected:
            assert probe(tmp_path / name)[2:] == expected
        else:
            with pytest.raises(DataError, match=f"{name}: expected"):
                probe(tmp_path / name)


def test_float_and_wide_integers():
    good = Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32))
    np.testing.assert_array_equal(decode(encoded(good, "TIFF"))[0, :, 0], [0, 128, 255])
    with pytest.raises(DataError, match=r"0\.\.1, got 0\.0 to 2\.0"):
        decode(encoded(Image.fromarray(np.array([[0, 2.0]], dtype=np.float32)), "TIFF"))
    with pytest.raises(DataError, match="at most 16 bits"):
        decode(encoded(Image.fromarray(np.array([[0, 70000]], dtype=np.int32)), "TIFF"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turning(tmp_path, orientation):
    upright = np.kron(np.array([[10, 80, 150], [220, 40, 110]], dtype=np.uint8), np.ones((16, 16), dtype=np.uint8))
    # What a camera stores, so that the orientation turns it upright (EXIF 2.3, table of tag 274).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, quality=95)
    np.testing.assert_allclose(decode(path)[..., 0], upright, atol=3)
    assert probe(path)[:2] == upright.shape
    np.testing.assert_allclose(decode(path, exif=False)[..., 0], stored, atol=3)
    turned = read_image(path, ImageRule((32, 48)))
    np.testing.assert_array_equal(turned, decode(path))


def test_read_image_is_pillow_bit_for_bit(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(noise(50, 70, 3)).save(path)
    with Image.open(path) as image:
        expected = np.asarray(image.convert("RGB").resize((24, 32), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(read_image(path, ImageRule((32, 24))), expected)
    np.testing.assert_array_equal(resize(decode(path), ImageRule((32, 24))), expected)


def test_what_cannot_be_read_is_named(tmp_path):
    whole = encoded(Image.fromarray(noise(64, 64, 3)), "JPEG")
    contents = {"cut.jpg": whole[: len(whole) // 2], "late.jpg": whole[:-40], "empty.png": b"", "text.png": b"hello"}
    png = encoded(Image.fromarray(noise(64, 64, 3)), "PNG")
    contents["cut.png"] = png[: len(png) // 2]
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        for read in (decode, probe):
            with pytest.raises(DataError, match=name):
                read(path)
    with pytest.raises(DataError, match=r"gone\.jpg: there is no such file"):
        decode(tmp_path / "gone.jpg")
    with pytest.raises(DataError, match="got a folder"):
        decode(tmp_path)
    with pytest.raises(DataError, match="^not an image"):
        decode(b"hello")


def test_probe_reads_sizes(tmp_path):
    Image.fromarray(noise(30, 40, 3)).save(tmp_path / "a.jpg")
    Image.fromarray(noise(3, 4)).save(tmp_path / "b.png")
    assert probe(tmp_path / "a.jpg")[:3] == (30, 40, "RGB")
    grey = noise(3, 4)
    assert probe(tmp_path / "b.png") == (3, 4, "L", grey.min(), grey.max())


def test_a_grey_network_gets_one_channel(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    rule = ImageRule((9, 7))
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.png", rule), pixels)
    grey = read_pixels(tmp_path / "a.png", rule, 1)
    assert grey.shape == (9, 7, 1)
    exact = pixels @ np.array([0.299, 0.587, 0.114])  # ITU-R 601
    assert np.abs(grey[..., 0] - exact).max() < 1
