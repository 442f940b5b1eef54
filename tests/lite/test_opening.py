"""Files that are no pictures, or not of a kind to be read: each is one sentence, and nothing waits or starts a program."""

from __future__ import annotations

import io
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imbalkit_lite
from imbalkit_lite import opening
from imbalkit_lite.errors import DataError
from imbalkit_lite.formats import FORMATS
from imbalkit_lite.images import ImageRule, decode, probe, read_image
from imbalkit_lite.opening import MOST_BYTES, MOST_PIXELS, read_file

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n0 0 8 8 rectfill\nshowpage\n%%EOF\n"
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def png_of_size(height: int, width: int) -> bytes:
    """A grey PNG of zeros; a few bytes a megapixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_pillow_is_given_files_in_one_place():
    """Whatever opens a picture goes through `open_picture`."""
    packages = Path(imbalkit_lite.__file__).parents[3]
    files = [file for folder in ("imbalkit", "plugins") for file in (packages / folder).rglob("*.py")]
    if len(files) < 100:
        pytest.skip("installed, without the source beside it")
    pattern = re.compile(
        r"Image\.open\(|\bimport cv2|imread\(|torchvision\.io|read_image_file|imageio|features\.pilinfo"
    )
    found = {
        f"{file.relative_to(packages)}: {line.strip()}"
        for file in files
        if not {"node_modules", "tests"} & set(file.relative_to(packages).parts)
        for line in file.read_text(encoding="utf-8").splitlines()
        if pattern.search(line)
    }
    place = Path("plugins/imbalkit_lite/imbalkit_lite/opening.py")
    assert found == {f"{place}: return Image.open(stream, formats=FORMATS)"}


@pytest.mark.parametrize(
    "content, kind",
    [
        (EPS, "EPS or PostScript"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIF"),
        (bytes(128) + b"DICM" + bytes(40), "DICOM"),
        (b"8BPS\x00\x01" + bytes(40), "Photoshop"),
        (b"<!DOCTYPE html><p>Not found", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"\xd7\xcd\xc6\x9a" + bytes(40), None),  # WMF
        (b"SIMPLE  =                    T" + bytes(2900), None),  # FITS
    ],
)
def test_other_formats_are_refused_by_content(tmp_path, content, kind):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    for read in (decode, probe):
        with pytest.raises(DataError, match=f"expected JPEG, PNG.* got {kind}" if kind else "not an image"):
            read(path)


def test_damaged_files_are_one_reason_and_nothing_on_standard_error(tmp_path):
    """Pillow warns and logs about some of them."""
    picture, kinds = (
        Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)),
        ["TIFF", "JPEG", "PNG", "WEBP", "AVIF", "GIF"],
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in kinds if "AVIF" in FORMATS else kinds[:4]:
        stream = io.BytesIO()
        picture.save(stream, kind, exif=exif)
        for place in range(0, len(stream.getvalue()), 5):
            content = bytearray(stream.getvalue())
            content[place] ^= 0xFF
            (tmp_path / f"{place:04}.{kind}").write_bytes(content)
    code = """
import sys
from pathlib import Path
from imbalkit_lite.errors import DataError
from imbalkit_lite.formats import FORMATS
from imbalkit_lite.images import decode, probe
for path in Path(sys.argv[1]).iterdir():
    for read in (decode, probe):
        try:
            read(path)
        except DataError as error:
            print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    errors = [line for line in done.stderr.splitlines() if not line.startswith("TIFF")]  # libtiff's own
    assert errors == []
    assert len(done.stdout.splitlines()) > 50
    assert "this build of Pillow" not in done.stdout


@posix
def test_ghostscript_is_never_started(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    path = tmp_path / "a.jpg"
    path.write_bytes(EPS)
    with pytest.raises(DataError, match="got EPS"):
        decode(path)
    assert not (tmp_path / "started").exists()
    with Image.open(path) as image, pytest.raises(OSError):  # Pillow itself would have
        image.load()
    assert (tmp_path / "started").exists()


@posix
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "zero", "folder", "loop", "nothing"])
def test_what_is_no_regular_file(tmp_path, kind, monkeypatch):
    path = tmp_path / "a.jpg"
    expected = f"got a {kind}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(tmp_path)  # a socket's path must be short
        socket.socket(socket.AF_UNIX).bind("a.jpg")
    elif kind == "device":
        path.symlink_to("/dev/tty")
    elif kind == "zero":
        path.symlink_to("/dev/zero")
        expected = "got a device"
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path)
        expected = "leads back to itself"
    else:
        expected = "there is no such file"
    for read in (decode, probe):
        with pytest.raises(DataError, match=rf"a\.jpg: .*{expected}"):
            read(path)
    with pytest.raises(DataError, match=f"^(?!.*a.jpg).*{expected}"):
        read_file(path)


@posix
def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    os.mkfifo(path)
    regular = os.stat(__file__)
    monkeypatch.setattr(opening.os, "stat", lambda path: regular)
    done = []
    thread = threading.Thread(target=lambda: done.append(pytest.raises(DataError, decode, path)), daemon=True)
    thread.start()
    thread.join(10)
    assert "got a pipe" in str(done[0].value)


def test_odd_names(tmp_path):
    with pytest.raises(DataError, match="longer than the file system allows"):
        decode(tmp_path / f"{'a' * 300}.jpg")
    with pytest.raises(DataError, match="null"):
        decode("a\0.jpg")


def test_a_file_of_many_bytes_is_not_read(tmp_path):
    path = tmp_path / "a.jpg"
    with path.open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)  # a hole: no disk is used
    for read in (decode, probe, read_file):
        with pytest.raises(DataError, match=r"at most 1 GiB, got 1\.0 GiB: scale"):
            read(path)
    with path.open("wb") as stream:
        stream.truncate(MOST_BYTES)
    tracemalloc.start()
    with pytest.raises(DataError, match="not an image"):
        read_file(path)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_file_that_grows(tmp_path, monkeypatch):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"12345")
    known = os.stat(path)
    path.write_bytes(b"123456789")
    monkeypatch.setattr(opening.os, "fstat", lambda descriptor: known)
    with pytest.raises(DataError, match="grows while it is read"):
        read_file(path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # pytest has filters of its own
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path):
    side = int(MOST_PIXELS**0.5) + 1
    for height, width in ((side, side), (60_000, 60_000)):
        content = png_of_size(1, 1)
        head = struct.pack(">II", width, height) + content[24:29]
        content = content[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + content[33:]
        for read in (decode, probe):
            path = tmp_path / "a.png"
            path.write_bytes(content)
            with pytest.raises(DataError, match=r"a\.png: expected a picture of at most 134,217,728 pixels.*scale"):
                read(path)


def test_a_large_picture_within_the_limit_is_read_without_pillows_warning(tmp_path):
    (tmp_path / "a.png").write_bytes(png_of_size(10_000, 10_000))  # Pillow warns from 89 million pixels on
    code = (
        "import sys; from imbalkit_lite.opening import open_picture\nwith open_picture(sys.argv[1]) as i: print(i.size)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("(10000, 10000)", "")


def test_too_little_memory_is_the_files_fault(monkeypatch):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((4, 6), dtype=np.uint8)).save(stream, "PNG")

    def load(self):
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(DataError, match="not enough memory to decode its 6 x 4 pixels"):
        decode(stream.getvalue())


def test_too_little_memory_to_scale_or_to_read_is_the_files_fault(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((4, 6), dtype=np.uint8)).save(path)

    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr("PIL.Image.Image.resize", fail)
    with pytest.raises(DataError, match="not enough memory to scale its 6 x 4 pixels"):
        read_image(path, ImageRule((2, 2)))
    monkeypatch.setattr("imbalkit_lite.opening.open_file", fail)
    with pytest.raises(DataError, match="not enough memory to read"):
        read_file(path)
