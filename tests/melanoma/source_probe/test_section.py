"""The source probe in real runs on drawn pictures whose truth is known, and the report's sentences on them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imbalkit_melanoma.source_probe.report import markdown
from imbalkit_melanoma.source_probe.section import colours, examine, source_names
from PIL import Image
from sklearn.metrics import roc_auc_score

from imbalkit import run
from imbalkit.report.markdown import to_html
from imbalkit.runs.restore import restore
from imbalkit.runs.restored import Restored
from tests.command_line import imbalkit

pytestmark = pytest.mark.usefixtures("no_charts")

RECIPE = """\
data: {name: table, file: labels.csv, group_column: patient}
images: {size: 16, cache: cache}
split: {validation: 0.1, test: 0.6}
backbone: {name: small_cnn, width: 8}
training: {epochs: 1, batch_size: 32, threads: 1, accelerator: cpu, monitor: last}
evaluation: {resamples: 0}
"""


def draw(folder, rows, tint):
    """A picture a row: a square of the class's brightness; with `tint`, the year's own colour of light around it."""
    random = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    table = []
    for index, (label, year) in enumerate(rows):
        pixels = random.normal(110, 25, (16, 16, 3))
        pixels[4:12, 4:12] += {"benign": -40, "melanoma": 40, "nevus": 0}[label]
        if tint and str(year).startswith("2019"):
            pixels += (25, 0, -25)
        name = f"pictures/{index}.png"
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / name)
        table.append({"path": name, "label": label, "year": year, "patient": f"P{index // 2}"})
    pd.DataFrame(table).to_csv(folder / "labels.csv", index=False)


def merged(n=400, seed=0, benign_2019=0.1, melanoma_2019=0.85):
    """Labels and years; a quarter are melanomas, most of them of 2019, as most benign rows are of 2020."""
    random = np.random.default_rng(seed)
    labels = np.where(random.random(n) < 0.25, "melanoma", "benign")
    share = np.where(labels == "melanoma", melanoma_2019, benign_2019)
    return list(zip(labels, np.where(random.random(n) < share, 2019, 2020), strict=True))


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """Runs the recipe on drawn pictures; gives the report's section and the values."""
    monkeypatch.chdir(tmp_path)

    def go(rows, tint=True, overrides=()):
        draw(tmp_path, rows, tint)
        (tmp_path / "recipe.yaml").write_text(RECIPE)
        folder = Path(run("recipe.yaml", overrides, folder="run"))
        assert (folder / "metrics.json").exists()
        return read(folder)

    return go


def read(folder):
    """The section's Markdown, which the report shows, and the values; "" and None without."""
    page = (folder / "report.html").read_text()
    file = folder / "source_probe.json"
    if not file.exists():
        assert "Can the model recognise" not in page
        return "", None
    facts = json.loads(file.read_text())
    section = markdown(facts)
    assert "Can the model recognise the year?" in page
    assert to_html(section, folder) in page
    return section, facts


def cells(section, first):
    """The cells of the table row that begins so."""
    (line,) = [line for line in section.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_year_that_tints_the_pictures_is_recognised(finished, tmp_path):
    section, facts = finished(merged(melanoma_2019=0.6, benign_2019=0.2))
    probe = facts["probe"]["features"]
    assert probe["width"] == 32
    for values in (probe["all"], probe["one class"], *probe["classes"].values()):
        assert values["auc"]["low"] > 0.7
        assert values["auc"]["value"] > 0.95
    assert facts["probe"]["colours"]["one class"]["auc"]["value"] > 0.95

    # The same values by hand.
    test = pd.read_parquet("run/predictions.parquet").query("split == 'test'")
    table = pd.read_csv("labels.csv")
    assert facts["test_rows"] == len(test) == sum(n["test"] for c in facts["counts"].values() for n in c.values())
    year = table["year"].iloc[test["source"]].to_numpy()
    malignant, probability = (test["label"] == "melanoma").to_numpy(), test["probability_melanoma"].to_numpy()
    assert facts["roc_auc"]["all"]["value"] == pytest.approx(roc_auc_score(malignant, probability))
    alone = year == 2020
    assert facts["roc_auc"]["2020"]["value"] == pytest.approx(roc_auc_score(malignant[alone], probability[alone]))
    assert facts["counts"]["melanoma"]["2020"]["test"] == (alone & malignant).sum()
    train = table.drop(index=pd.read_parquet("run/predictions.parquet")["source"])
    assert facts["counts"]["benign"]["2019"]["train"] == ((train["label"] == "benign") & (train["year"] == 2019)).sum()
    assert facts["groups"] == table["patient"].iloc[test["source"]].nunique()
    higher = facts["probability"]["benign"]["2020"]["value"]
    assert abs(higher - 0.5) > 0.25  # the model takes the light for the class
    assert higher == pytest.approx(roc_auc_score(alone[~malignant], probability[~malignant]))

    assert "So the features hold the year beside the class" in section
    assert (
        cells(section, "2020 only")[1] == f"benign: {(alone & ~malignant).sum()}, melanoma: {(alone & malignant).sum()}"
    )
    area = facts["roc_auc"]["2020"]
    assert cells(section, "2020 only")[2] == f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"
    assert examine(restore("run")) == facts  # as good later, from the folder alone


def test_a_year_that_only_goes_with_the_class_is_not_recognised_within_it(finished):
    section, facts = finished(merged(seed=1), tint=False)
    probe = facts["probe"]["features"]
    assert probe["all"]["auc"]["low"] > 0.6  # reads the class
    for values in (probe["one class"], *probe["classes"].values()):
        assert values["auc"]["low"] < 0.5 < values["auc"]["high"]
    assert (
        "So there is no sign in these rows that the features hold the year beside the class: the interval contains 0.5."
        in section
    )
    for of_class in facts["probability"].values():
        assert of_class["2020"]["value"] == pytest.approx(0.5, abs=0.2)


def test_the_merge_of_the_paper_has_no_benign_row_of_2019(finished):
    section, facts = finished(merged(benign_2019=0.0))
    probe = facts["probe"]["features"]
    assert "there is one source" in probe["classes"]["benign"]["missing"]
    assert probe["one class"]["auc"]["value"] == pytest.approx(probe["classes"]["melanoma"]["auc"]["value"])
    assert facts["roc_auc"]["2019"]["value"] is None
    assert 0 < facts["roc_auc"]["2020"]["low"] < facts["roc_auc"]["2020"]["high"] <= 1
    assert list(facts["probability"]) == ["benign", "melanoma"]
    assert facts["probability"]["benign"] == {}
    assert cells(section, "benign alone")[1:] == ["not defined"] * 4
    assert cells(section, "2019 only")[2] == "not defined"
    assert cells(section, "benign | 2019")[2:] == ["0 (0.0 % of the class)", "0 (0.0 % of the class)"]
    assert (
        "- benign alone: expected two sources or more with 5 groups each, one for each fold; there is one source."
        in section
    )


def test_too_few_rows_of_a_class_are_reported_and_cost_nothing(finished):
    rows = [("melanoma", 2019 if i % 6 else 2020) if i < 12 else ("benign", 2019 + i % 2) for i in range(120)]
    section, facts = finished(rows, overrides=["split.group=false"])
    assert "; 1 of 2 have" in facts["probe"]["features"]["classes"]["melanoma"]["missing"]
    assert facts["probe"]["features"]["classes"]["benign"]["auc"]["low"] > 0.5
    assert cells(section, "melanoma alone")[1] == "not defined"


def test_several_classes_and_years_with_gaps(finished):
    random = np.random.default_rng(0)
    rows = [
        (str(random.choice(["benign", "melanoma", "nevus"])), random.choice([2018, 2019, 2020, None]))
        for _ in range(300)
    ]
    section, facts = finished(rows)
    assert facts["sources"] == ["2018", "2019", "2020"]
    assert facts["positive"] is None
    assert "probability" not in facts
    assert facts["without_source"] > 0
    assert facts["test_rows"] + facts["without_source"] == 180
    assert f"Left out: {facts['without_source']} test rows without a year." in section
    assert "Means over the classes, each against the rest." in section
    assert facts["probe"]["features"]["all"]["guessing"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("years", [[2020], [None], [2020, None]])
def test_without_several_years_there_is_no_section(finished, years):
    rows = [(label, years[index % len(years)]) for index, (label, _) in enumerate(merged(60))]
    section, facts = finished(rows)
    assert (section, facts) == ("", None)


def test_a_test_set_of_rows_without_a_year(finished):
    rows = [(label, [2019, 2020][index % 2] if index < 60 else None) for index, (label, _) in enumerate(merged(120))]
    section, facts = finished(
        rows, overrides=["split.folds=2", "split.fold=0", "split.validation=0", "split.group=false"]
    )
    assert facts["test_rows"] + facts["without_source"] == 60
    assert all(of[year]["test"] >= 0 for of in facts["counts"].values() for year in of)
    assert "Left out: " in section


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("out of memory"), "The values of this section are missing: RuntimeError: out of memory"),
        (MemoryError(), "missing: MemoryError"),
    ],
)
def test_a_probe_that_fails_does_not_fail_the_run(finished, monkeypatch, caplog, error, message):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(Restored, "features", fail)
    section, facts = finished(merged(60))
    assert message in section
    assert list(facts) == ["missing"]
    assert "the source probe of run failed" in caplog.text


def test_missing_images_leave_the_values_that_need_none(finished, tmp_path, monkeypatch):
    from imbalkit.errors import DataError

    def gone(self, progress=None):
        raise DataError("3 of 60 images cannot be read")

    monkeypatch.setattr(Restored, "images", gone)
    section, facts = finished(merged(120))
    assert facts["probe"] == {"missing": "3 of 60 images cannot be read"}
    assert facts["roc_auc"]["all"]["value"] is not None
    assert "The probe could not be made: 3 of 60 images cannot be read" in section


def test_the_command_line_writes_the_section(tmp_path):
    draw(tmp_path, merged(120), tint=True)
    (tmp_path / "recipe.yaml").write_text(RECIPE.replace(", group_column: patient", ""))
    imbalkit("run", "recipe.yaml", "--folder", "run", cwd=tmp_path)
    section, facts = read(tmp_path / "run")
    assert facts["groups"] is None
    assert "from a bootstrap over rows" in section
    heads = [line for line in section.splitlines() if line.startswith("#")]
    assert heads == [
        "### The year in the features",
        "### The year in the predicted probabilities",
        "### The year in the ROC AUC",
    ]
    assert "None" not in section
    assert "nan" not in section.replace("nance", "")


def test_years_as_a_table_gives_them():
    values = pd.Series([2019.0, np.nan, 2020.0])
    assert source_names(values).tolist() == ["2019", None, "2020"]
    assert source_names(pd.Series(["a", "", None, " "])).tolist() == ["a", None, None, None]
    assert source_names(pd.Series([2019, 2020])).tolist() == ["2019", "2020"]


def test_colours_are_mean_and_deviation_of_each_channel():
    from imbalkit.data.image_store import ArrayStore

    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 4, 3), dtype=np.uint8)
    found = colours(ArrayStore(pixels), np.array([3, 1, 1, 6]), batch=3)
    expected = np.concatenate([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))], axis=1)[[3, 1, 1, 6]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
