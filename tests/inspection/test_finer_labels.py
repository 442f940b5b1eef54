"""A column that splits the classes of a two-class label further is named by `init`."""

import pandas as pd
import pytest
import yaml

from imbalkit.inspection.columns import finer_labels
from tests.cli.commands.test_init import image, run
from tests.command_line import imbalkit

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


@pytest.fixture
def labels(tmp_path):
    """A table of photographs with a two-class label and a column of diagnoses."""
    kinds = ["mel", "nv", "nv", "bkl", "df"] * 8
    names = [f"{number}.png" for number in range(len(kinds))]
    for number, name in enumerate(names):
        image(tmp_path / "p" / name, seed=number)
    table = pd.DataFrame({"image": names, "melanoma": [int(kind == "mel") for kind in kinds], "dx": kinds})
    table.to_csv(tmp_path / "p" / "labels.csv", index=False)
    return tmp_path / "p" / "labels.csv"


def test_init_names_it(labels, tmp_path):
    said = " ".join(run(labels, "--out", tmp_path / "r.yaml").split())
    assert "column 'dx' splits 'melanoma' into 4 kinds, of which 'mel' is 'melanoma'" in said
    assert "try `--label dx --positive mel`" in said
    assert "splits" not in run(labels, "--label", "dx", "--out", tmp_path / "s.yaml")


def test_the_recipe_it_names_decides_on_the_positive_class(labels, tmp_path):
    run(labels, "--label", "dx", "--positive", "mel", "--out", tmp_path / "r.yaml")
    recipe = yaml.safe_load((tmp_path / "r.yaml").read_text())
    assert recipe["data"]["label_column"] == "dx"
    assert recipe["positive"] == "mel"
    assert recipe["decision"] == {"prior": "data", "calibrator": "temperature", "threshold": "youden"}
    assert imbalkit("plan", "r.yaml", cwd=tmp_path).returncode == 0


def test_a_positive_class_that_is_not_there(labels, tmp_path):
    result = imbalkit("init", labels, "--positive", "melanome", cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert "the data have no class 'melanome'; did you mean 'melanoma'? (classes: other, melanoma)" in result.stderr
    assert not (tmp_path / "recipe.yaml").exists()
