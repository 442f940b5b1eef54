"""A column that splits the classes of a two-class label further is named by `init`."""

import pandas as pd
import pytest

from imbalkit.inspection.columns import finer_labels
from tests.cli.commands.test_init import image, run

POSITIVE = pd.Series([True, True, False, False, False, False])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["mel", "mel", "nv", "nv", "bkl", "df"], [("dx", 4, "mel")]),
        (["mel", "mel", "nv", "nv", "nv", "nv"], []),  # no finer than the label
        (["mel", "mel", "nv", "mel", "bkl", "df"], []),  # not the positive class alone
        (["mel", "lm", "nv", "nv", "bkl", "df"], []),  # the positive class has no one name
        (["mel", "mel", "nv", "", "bkl", "df"], []),  # not known of every row
        (["", "", "nv", "nv", "bkl", "df"], []),
    ],
)
def test_what_counts(values, expected):
    assert finer_labels(pd.DataFrame({"dx": values}), POSITIVE) == expected


def test_init_names_it(tmp_path):
    kinds = ["mel", "nv", "nv", "bkl", "df"] * 8
    names = [f"{number}.png" for number in range(len(kinds))]
    for number, name in enumerate(names):
        image(tmp_path / "p" / name, seed=number)
    table = pd.DataFrame({"image": names, "melanoma": [int(kind == "mel") for kind in kinds], "dx": kinds})
    table.to_csv(tmp_path / "p" / "labels.csv", index=False)
    said = " ".join(run(tmp_path / "p" / "labels.csv", "--out", tmp_path / "r.yaml").split())
    assert "column 'dx' splits 'melanoma' into 4 kinds, of which 'mel' is 'melanoma'" in said
    assert "`--label dx`, with `positive: mel` in the recipe" in said
    assert "splits" not in run(tmp_path / "p" / "labels.csv", "--label", "dx", "--out", tmp_path / "s.yaml")
