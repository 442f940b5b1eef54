"""A column that splits the classes of a two-class label further is named by `init`."""

import pandas as pd
import pytest
import yaml

from imbalkit.inspection.finer_labels import FinerLabels, finer_labels
from tests.cli.commands.test_init import image, run
from tests.command_line import imbalkit

POSITIVE = pd.Series([True, True, False, False, False, False])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["mel", "mel", "nv", "nv", "bkl", "df"], [FinerLabels("dx", 4, "mel", 1)]),
        (["mel", "mel", "nv", "nv", "nv", "nv"], []),  # no finer than the label
        (["mel", "mel", "nv", "mel", "bkl", "df"], []),  # not the positive class alone
        (["mel", "lm", "nv", "nv", "bkl", "df"], []),  # the positive class has no one name
        (["mel", "mel", "nv", "", "bkl", "df"], []),  # not known of every row
        (["", "", "nv", "nv", "bkl", "df"], []),
    ],
)
def test_what_counts(values, expected):
    assert finer_labels(pd.DataFrame({"dx": values}), POSITIVE) == expected


def write(folder, kinds):
    """A table of photographs with a two-class label and a column of diagnoses."""
    names = [f"{number}.png" for number in range(len(kinds))]
    for number, name in enumerate(names):
        image(folder / name, seed=number)
    table = pd.DataFrame({"image": names, "melanoma": [int(kind == "mel") for kind in kinds], "dx": kinds})
    table.to_csv(folder / "labels.csv", index=False)
    return folder / "labels.csv"


@pytest.fixture
def labels(tmp_path):
    return write(tmp_path / "p", ["mel", "nv", "nv", "bkl", "df"] * 10)


def init(labels, *options):
    """What `imbalkit init` says, in a line, and the recipe that it writes."""
    file = labels.parent / "recipe.yaml"
    said = run(labels, *options, "--out", file, "--force")
    return " ".join(said.split()), yaml.safe_load(file.read_text())


def test_the_recipe_trains_on_finer_labels_and_decides_on_the_positive_one(labels):
    said, recipe = init(labels)
    assert (
        "column 'dx' splits 'melanoma' into 4 classes, of which 'mel' is 'melanoma': the recipe trains on all" in said
    )
    assert "for two classes: `--label melanoma`" in said
    assert "may hold the labels too: melanoma" in said
    assert recipe["data"]["label_column"] == "dx"
    assert recipe["positive"] == "mel"
    assert recipe["decision"] == {"prior": "data", "calibrator": "temperature", "threshold": "youden"}
    assert imbalkit("plan", "recipe.yaml", cwd=labels.parent).returncode == 0
    assert init(labels, "--label", "dx", "--positive", "mel")[1] == recipe


def test_a_label_that_was_named_is_taken(labels):
    said, recipe = init(labels, "--label", "melanoma")
    assert "try `--label dx --positive mel`" in said
    assert (recipe["data"]["label_column"], recipe["positive"]) == ("melanoma", "melanoma")
    said, recipe = init(labels, "--label", "dx")
    assert "splits" not in said
    assert "positive" not in recipe


def test_a_positive_class_says_which_labels_are_meant(labels):
    assert init(labels, "--positive", "mel")[1]["data"]["label_column"] == "dx"
    assert init(labels, "--positive", "other")[1]["positive"] == "other"


@pytest.mark.parametrize("rare", [["df"] * 9, ["bcc"]])
def test_too_few_of_one(tmp_path, rare):
    said, recipe = init(write(tmp_path / "p", ["mel", "nv", "nv", "bkl"] * 10 + rare))
    assert "try `--label dx --positive mel`" in said
    assert recipe["data"]["label_column"] == "melanoma"


def test_a_column_named_as_a_label_is_taken(labels):
    table = pd.read_csv(labels)
    table.rename(columns={"melanoma": "label"}).to_csv(labels, index=False)
    said, recipe = init(labels)
    assert "column 'dx' splits 'label' into 4 classes" in said
    assert recipe["data"]["label_column"] == "label"


def test_values_of_several_findings_are_no_classes(labels):
    table = pd.read_csv(labels)
    table["dx"] = table["dx"].replace({"nv": "df|bkl", "mel": "mel|df"})
    table.to_csv(labels, index=False)
    assert init(labels)[1]["data"]["label_column"] == "melanoma"


def test_a_positive_class_that_is_not_there(labels, tmp_path):
    result = imbalkit("init", labels, "--positive", "melanome", cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert "the data have no class 'melanome'; did you mean 'melanoma'? (classes: other, melanoma)" in result.stderr
    assert not (tmp_path / "recipe.yaml").exists()
