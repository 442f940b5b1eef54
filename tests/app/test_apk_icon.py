"""A user's picture as an icon: whole, centred, in the template's sizes; what is none is refused in one sentence."""

from __future__ import annotations

import io

import numpy as np
import pytest
from imbalkit_app.apk.build import TEMPLATE, _icons, read_template
from imbalkit_app.apk.icon import SAFE, IconError, fitted, read_icon
from PIL import Image


def png(size, mode="RGB", colour="red") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_the_templates_pictures_are_swapped_in_their_sizes(tmp_path):
    (tmp_path / "mine.png").write_bytes(png((512, 512)))
    files = read_template(TEMPLATE)
    found = _icons(files, read_icon(tmp_path / "mine.png"))
    pictures = {name for name in files if name.endswith(".png")}
    assert found.keys() == pictures
    assert len(pictures) == 2
    for name, content in found.items():
        picture = opened(content)
        assert (picture.size, picture.mode) == (opened(files[name]).size, "RGBA")
        side, red = picture.size[0], np.array(picture)[..., 3] > 127
        share = SAFE if "foreground" in name else 1
        assert abs(red.any(0).sum() - side * share) <= 1
        assert abs(red.any(1).sum() - side * share) <= 1
        assert np.array(picture)[side // 2, side // 2].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize("size", [(400, 100), (100, 400), (2000, 97)])
def test_a_picture_of_another_shape_is_whole_and_centred(tmp_path, size):
    (tmp_path / "mine.png").write_bytes(png(size))
    alpha = np.array(opened(fitted(read_icon(tmp_path / "mine.png"), png((144, 144)))))[..., 3] > 127
    width, height = alpha.any(0).sum(), alpha.any(1).sum()
    assert max(width, height) == 144
    assert min(width, height) == pytest.approx(144 * min(size) / max(size), abs=1)
    assert abs(np.argwhere(alpha).mean(0) - 71.5).max() <= 0.5


@pytest.mark.parametrize(
    "mode, colour",
    [("L", 200), ("LA", (200, 255)), ("RGBA", (200, 200, 200, 255)), ("P", 0), ("1", 1), ("I;16", 51400)],
)
def test_every_kind_of_png(tmp_path, mode, colour):
    picture = Image.new(mode, (96, 96), colour)
    if mode == "P":
        picture.putpalette([200, 200, 200] * 256)
    picture.save(tmp_path / "mine.png")
    found = read_icon(tmp_path / "mine.png")
    assert found.mode == "RGBA"
    assert found.getpixel((48, 48)) == pytest.approx((255 if mode == "1" else 200,) * 3 + (255,), abs=1)


def test_what_is_no_icon(tmp_path, monkeypatch):
    (tmp_path / "tiny.png").write_bytes(png((95, 400)))
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(png((400, 400), "RGB", (1, 2, 3))[:-40])
    Image.new("RGB", (200, 200)).save(tmp_path / "photo.png", "JPEG")
    for name, message in (
        ("gone.png", r"--icon: .*gone\.png: there is no such file"),
        ("tiny.png", r"--icon: expected a PNG of at least 96 px a side, .*tiny\.png has 95 x 400"),
        ("text.png", r"--icon: .*text\.png: not an image that Pillow can read"),
        ("photo.png", r"--icon: expected a PNG, .*photo\.png is JPEG"),
        ("cut.png", r"--icon: .*cut\.png: the image cannot be read \(image file is truncated\)"),
        ("", r"--icon: .*: expected an image file, got a folder"),
    ):
        with pytest.raises(IconError, match=message):
            read_icon(tmp_path / name)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    (tmp_path / "huge.png").write_bytes(png((200, 200)))
    with pytest.raises(IconError, match="expected a picture of at most"):
        read_icon(tmp_path / "huge.png")
