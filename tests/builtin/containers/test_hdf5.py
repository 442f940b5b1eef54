"""HDF5 files with a dataset an image."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.errors import DataError, MissingExtraError
from imbalkit.kinds import Container
from imbalkit_lite.containers import members_of
from imbalkit_lite.opening import read_file

h5py = pytest.importorskip("h5py")
CONTENT = bytes(range(1, 256)) * 9


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "train-image.hdf5"
    row = np.frombuffer(CONTENT, np.uint8)
    with h5py.File(place, "w", userblock_size=512) as file:
        file["opaque"] = np.void(CONTENT)
        file["text"] = np.bytes_(CONTENT)
        file["row"] = row
        file["one"] = np.array([CONTENT])
        file.create_dataset("packed", data=row, chunks=True, compression="gzip")
        file.create_dataset("any", data=CONTENT.hex().encode(), dtype=h5py.string_dtype())
        file.create_dataset("rows", shape=(1,), dtype=h5py.vlen_dtype(np.uint8))[0] = row
        file["set/deep"] = np.void(CONTENT)
        file["pixels"] = np.zeros((4, 4, 3), np.uint8)
    return place


@pytest.mark.parametrize("name", ["opaque", "text", "row", "one", "packed", "rows", "set/deep"])
def test_the_bytes_of_each_form(place, name):
    assert read_file(f"{place}!{name}")[0] == CONTENT


def test_text_of_variable_length(place):
    assert read_file(f"{place}!any")[0] == CONTENT.hex().encode()


def test_what_lies_in_one_piece_has_a_span(place):
    members = members_of(str(place))
    assert list(members.names()) == sorted(
        ["any", "one", "opaque", "packed", "pixels", "row", "rows", "set/deep", "text"]
    )
    for name in ("opaque", "text", "row", "one", "set/deep"):
        span = members.span(name)
        assert place.read_bytes()[span.offset : span.offset + span.length] == CONTENT, name
    assert members.span("packed") is None
    assert members.span("rows") is None


@pytest.mark.parametrize("name, message", [
    ("pixels", r"holds an array uint8 \[4, 4, 3\]; expected the bytes of an image file"),
    ("set", "it is a group of its HDF5 file"),
    ("nothing", "holds no 'nothing'"),
    ("", "holds no ''"),
])  # fmt: skip
def test_what_is_no_image(place, name, message):
    with pytest.raises(DataError, match=message):
        read_file(f"{place}!{name}")


def test_a_file_that_is_cut_off(place):
    content = place.read_bytes()
    place.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"is no HDF5 file, or not all of it \(.*truncated"):
        read_file(f"{place}!row")


def test_without_its_package(place, monkeypatch):
    def check(self):
        raise MissingExtraError("container 'hdf5' needs the module 'h5py'")

    monkeypatch.setattr(Container, "check_requirements", check)
    with pytest.raises(MissingExtraError, match="h5py"):
        read_file(f"{place}!row")
