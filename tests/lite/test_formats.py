"""Endings against what Pillow itself says of its formats."""

from __future__ import annotations

from PIL import Image

from imbalkit_lite.formats import EXTENSIONS, FORMATS, UNREADABLE


def test_endings_are_read_by_their_formats_or_named_as_unreadable():
    Image.init()
    known = {ending: name for ending, name in Image.registered_extensions().items() if name in FORMATS}
    known.pop(".pfm")  # float values without a range
    assert set(known) <= set(EXTENSIONS)
    assert not set(EXTENSIONS) & set(UNREADABLE)
    assert {".jfif", ".jpe", ".jif", ".apng", ".jpx", ".pnm", ".mpo"} <= set(EXTENSIONS)
    assert {".heic", ".dcm", ".svg", ".eps", ".jxl", ".nii.gz"} <= set(UNREADABLE)
    assert ".avif" in EXTENSIONS or "this build of Pillow" in UNREADABLE[".avif"]


def test_no_format_that_starts_another_program_or_is_hardly_used():
    assert not {"EPS", "WMF", "PSD", "IM", "FITS", "MPEG", "GRIB", "HDF5", "BUFR"} & set(FORMATS)
