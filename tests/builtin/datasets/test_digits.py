from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_digits

from imbalkit.builtin.datasets import Digits
from imbalkit.errors import DataError


def split_counts(table, split):
    return table.counts(np.flatnonzero(table.frame["split"] == split))


def test_long_tail_of_the_training_rows_alone():
    table = Digits(imbalance=50).load()
    assert table.classes == tuple("0123456789")
    assert split_counts(table, "test") == (50,) * 10
    assert split_counts(table, "validation") == (20,) * 10
    train = split_counts(table, "train")
    most = 174 - 70  # the rarest digit has 174 rows
    assert train == tuple(round(most * 50 ** (-rank / 9)) for rank in range(10))
    assert train[0] / train[-1] == pytest.approx(50, rel=0.05)


def test_pixels_and_labels_are_the_bundle_s():
    bundle, table = load_digits(), Digits(imbalance=3).load()
    rows = table.frame["digits_row"].to_numpy()
    assert len(set(rows)) == len(rows)
    np.testing.assert_array_equal(table.labels, bundle.target[rows])
    assert table.arrays.shape == (len(rows), 8, 8, 1)
    assert (table.arrays.min(), table.arrays.max()) == (0, 255)
    np.testing.assert_allclose(table.arrays[..., 0], bundle.images[rows] * 255 / 16, atol=0.501)


def test_test_rows_stay_whatever_the_imbalance():
    def rows(split, **parameters):
        frame = Digits(**parameters).load().frame
        return set(frame["digits_row"][frame["split"] == split])

    for split in ("test", "validation"):
        assert rows(split, imbalance=1) == rows(split, imbalance=100) == rows(split, minority=8)
    assert rows("train", imbalance=100) < rows("train", imbalance=1)
    assert rows("test", seed=1) != rows("test")
    assert rows("test", seed=1) == rows("test", seed=1)


def test_order_says_which_digits_are_rare():
    train = split_counts(Digits(order=[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]).load(), "train")
    assert train == split_counts(Digits().load(), "train")[::-1]
    with pytest.raises(ValidationError, match="each once"):
        Digits(order=[0, 1])


def test_one_digit_against_the_rest():
    table = Digits(minority=8, imbalance=50).load()
    assert table.classes == ("rest", "8")
    rest, minority = split_counts(table, "train")
    assert rest / minority == pytest.approx(50, rel=0.03)
    assert split_counts(table, "test") == (450, 50)
    assert set(table.frame["digit"]) == set("0123456789")


def test_validation_may_be_left_to_the_recipe():
    assert set(Digits(validation=0).load().frame["split"]) == {"train", "test"}


def test_too_much_set_aside():
    with pytest.raises(DataError, match="174 rows of its rarest digit.*fewer than 174"):
        Digits(test=150, validation=24).load()
    assert min(split_counts(Digits(test=150, validation=23).load(), "train")) == 1
