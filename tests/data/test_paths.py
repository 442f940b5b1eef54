"""Files and folders that a recipe names."""

from __future__ import annotations

import pytest

from imbalkit.data.paths import existing_path
from imbalkit.errors import DataError


@pytest.mark.parametrize(
    "path, message",
    [
        ("a" * 300, r"table cannot be looked for at a{100}\.\.\.: File name too long"),
        ("~nobody-of-this-name/t.csv", "table cannot be looked for at ~nobody-of-this-name"),
        ("nothing.csv", "there is no table at .*nothing.csv: correct the path"),
    ],
)
def test_a_path_that_cannot_be_had_is_an_error_that_names_it(path, message):
    with pytest.raises(DataError, match=message):
        existing_path(path, "table")
