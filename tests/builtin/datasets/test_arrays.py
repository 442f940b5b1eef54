from __future__ import annotations

import numpy as np
import pytest

from imbalkit.builtin.datasets import Arrays
from imbalkit.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)
LABELS = np.array([0, 0, 1, 1, 2, 2])


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "a.npz", **arrays)
        return str(tmp_path / "a.npz")

    return write


@pytest.mark.parametrize("keys", [("x", "y"), ("images", "labels"), ("data", "target")])
def test_keys_are_guessed(save, keys):
    table = Arrays(file=save(**{keys[0]: IMAGES, keys[1]: LABELS, "other": LABELS})).load()
    np.testing.assert_array_equal(table.arrays, IMAGES[..., None])
    assert table.classes == ("0", "1", "2")
    assert list(table.frame) == ["label"]


def test_keys_are_given(save):
    file = save(a=IMAGES, b=LABELS, x=IMAGES + 1, y=LABELS, p=np.array(list("aabbcc")))
    table = Arrays(file=file, images="a", labels_array="b", groups="p").load()
    np.testing.assert_array_equal(table.arrays[..., 0], IMAGES)
    assert table.groups.tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("names", [("{}_images", "{}_labels", "val"), ("x_{}", "y_{}", "valid")])
def test_one_array_a_split(save, names):
    x, y, val = names
    file = save(
        **{x.format("train"): IMAGES[:3], y.format("train"): LABELS[:3, None]},
        **{x.format(val): IMAGES[3:4], y.format(val): LABELS[3:4, None]},
        **{x.format("test"): IMAGES[4:], y.format("test"): LABELS[4:, None]},
    )
    table = Arrays(file=file).load()
    np.testing.assert_array_equal(table.arrays[..., 0], IMAGES)
    assert table.frame["split"].tolist() == ["train"] * 3 + ["validation"] + ["test"] * 2
    assert table.labels.tolist() == LABELS.tolist()


def test_split_array_and_label_names(save):
    file = save(x=IMAGES, y=LABELS, s=np.array(["train", "val", "test"] * 2))
    table = Arrays.model_validate({"file": file, "split": "s", "labels": {2: "c", 1: "b", 0: "a"}}).load()
    assert table.classes == ("c", "b", "a")
    assert table.frame["split"].tolist() == ["train", "validation", "test"] * 2


@pytest.mark.parametrize(
    "labels, classes",
    [
        (np.array([True, False] * 3), ("False", "True")),
        (np.array([1.0, 0.0] * 3), ("0", "1")),
        (np.array(["b", "a"] * 3), ("a", "b")),
        (np.array([b"b", b"a"] * 3), ("a", "b")),
    ],
)
def test_labels_of_any_type(save, labels, classes):
    assert Arrays(file=save(x=IMAGES, y=labels)).load().classes == classes


@pytest.mark.parametrize(
    "images, expected",
    [
        (np.full((6, 2, 2), 0.5, dtype=np.float32), 128),
        (np.full((6, 2, 2, 3), 1.0), 255),
        (np.full((6, 2, 2), 200, dtype=np.int64), 200),
        (np.ones((6, 2, 2), dtype=bool), 255),
    ],
)
def test_values_become_uint8(save, images, expected):
    arrays = Arrays(file=save(x=images, y=LABELS)).load().arrays
    assert arrays.dtype == np.uint8
    assert (arrays == expected).all()


@pytest.mark.parametrize(
    "images, message",
    [
        (np.full((6, 2, 2), 7.5), r"within 0\.\.1, got 7\.5"),
        (np.full((6, 2, 2), np.nan), r"within 0\.\.1, got nan"),
        (np.full((6, 2, 2), 300), r"within 0\.\.255, got 300"),
        (np.zeros((6, 3, 8, 8), dtype=np.uint8), r"channels come last"),
        (np.zeros((6, 8, 8, 2), dtype=np.uint8), r"c 1 or 3, got \[6, 8, 8, 2\]"),
        (np.zeros((6, 8), dtype=np.uint8), r"\[n, h, w\]"),
        (np.full((6, 2, 2), "a"), "hold numbers"),
        (np.zeros((5, 2, 2), dtype=np.uint8), "5 images but 6 of 'labels'"),
    ],
)
def test_images_that_do_not_fit(save, images, message):
    with pytest.raises(DataError, match=message):
        Arrays(file=save(x=images, y=LABELS)).load()


def test_unclear_and_wrong_keys(save):
    with pytest.raises(DataError, match=r"leaves open .*arrays: a, b.*name them"):
        Arrays(file=save(a=IMAGES, b=LABELS)).load()
    with pytest.raises(DataError, match="leaves open"):
        Arrays(file=save(x=IMAGES, y=LABELS, images=IMAGES, labels=LABELS)).load()
    with pytest.raises(DataError, match="no array 'imagess'; did you mean 'images'"):
        Arrays(file=save(images=IMAGES, labels=LABELS), images="imagess").load()
    with pytest.raises(DataError, match="no one-hot"):
        Arrays(file=save(x=IMAGES, y=np.eye(6))).load()


def test_files_that_cannot_be_read(save, tmp_path):
    with pytest.raises(DataError, match=r"no array file at .*gone\.npz: ask Ann"):
        Arrays(file=str(tmp_path / "gone.npz"), how_to_get="ask Ann").load()
    with pytest.raises(DataError, match="Python objects: save text as"):
        Arrays(file=save(x=IMAGES, y=np.array(["a"] * 6, dtype=object))).load()
    (tmp_path / "b.npz").write_bytes(b"hello")
    with pytest.raises(DataError, match="is not an .npz file"):
        Arrays(file=str(tmp_path / "b.npz")).load()
    np.save(tmp_path / "c.npy", IMAGES)
    with pytest.raises(DataError, match="is not an .npz file"):
        Arrays(file=str(tmp_path / "c.npy")).load()


@pytest.mark.parametrize("name", ["validation", "dev"])
def test_every_name_of_a_split_is_known_and_arrays_that_are_not_used_are_noted(save, name):
    parts = {"train": 3, name: 2, "testing": 1}
    arrays = {f"x_{part}": IMAGES[:size] for part, size in parts.items()}
    arrays |= {f"y_{part}": LABELS[:size] for part, size in parts.items()}
    table = Arrays(file=save(**arrays, x_extra=IMAGES)).load()
    assert table.frame["split"].value_counts().to_dict() == {"train": 3, "validation": 2, "test": 1}
    assert table.notes == ("arrays of a.npz that are not used: x_extra",)


def test_labels_as_bytes_are_utf_8(save):
    names = ["gut", "böse"] * 3
    table = Arrays(file=save(x=IMAGES, y=np.array([name.encode() for name in names]))).load()
    assert table.frame["label"].tolist() == names
    with pytest.raises(DataError, match="array 'y' holds bytes that are no UTF-8"):
        Arrays(file=save(x=IMAGES, y=np.array([name.encode("latin-1") for name in names]))).load()
