"""The ISIC data sets through the command line: a plan from tables alone, a run once the images are there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from imbalkit import run
from imbalkit.cli.main import root
from imbalkit.errors import RecipeError

pytestmark = pytest.mark.usefixtures("no_charts")

RECIPE = """\
data: {{name: isic_merge, tables: {tables}, clean: [official_duplicates]}}
positive: melanoma
images: {{size: 16}}
split: {{validation: 0.2, test: 0.3}}
backbone: {{name: small_cnn, width: 4}}
training: {{epochs: 1, batch_size: 16, threads: 1, schedule: {{name: constant}}}}
"""


@pytest.fixture
def recipe(archive, tmp_path):
    """20 benign and 4 melanomas of 2020 (one of each twice), 8 melanomas and a nevus of 2019."""
    archive.isic_2020(*(f"ISIC_{n:03},P{n},{int(n >= 20)}" for n in range(24)))
    archive.isic_2019(*(f"ISIC_1{n:02}{'_downsampled' * (n % 2)},MEL,L{n}" for n in range(8)), "ISIC_999,NV,")
    archive.duplicates("ISIC_000,ISIC_001", "ISIC_022,ISIC_023")
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.format(tables=archive.tables))
    return path


def test_a_plan_needs_no_images_but_a_run_does(archive, recipe, tmp_path):
    result = CliRunner().invoke(root, ["plan", str(recipe)])
    assert result.exit_code == 0, result.output
    assert "left out by official_duplicates: 2 samples (benign: 1, melanoma: 1)" in result.output
    assert "note: 30 of 30 images are not there: enough for a plan, not for a run" in result.output
    with pytest.raises(RecipeError, match=r"recipe.yaml:1: data: 30 of 30 image files are not there.*melanoma fetch"):
        run(recipe, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()

    for n in range(24):
        if n not in (1, 23):  # left out, so not missed
            archive.picture(f"{n % 3}/ISIC_{n:03}.{'JPG' if n % 2 else 'png'}", n, 20)
    for n in range(8):
        archive.picture(f"a/b/ISIC_1{n:02}{'_downsampled' * (n % 3 == 0)}.jpeg", 100 + n, 20)
    folder = Path(run(recipe, runs=tmp_path / "runs"))
    removed = pd.read_csv(folder / "removed.csv", keep_default_na=False)
    assert removed[["isic_id", "label", "year", "reason", "duplicate_of"]].values.tolist() == [
        ["ISIC_001", "benign", 2020, "official_duplicates", "ISIC_000"],
        ["ISIC_023", "melanoma", 2020, "official_duplicates", "ISIC_022"],
    ]
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert predictions["path"].map(os.path.isfile).all()
    assert not predictions["path"].str.contains("ISIC_001|ISIC_023|ISIC_999").any()


def test_a_plan_of_the_paper_is_quick(archive, tmp_path):
    """33,126 and 25,331 rows, as many as the official tables have."""
    archive.isic_2020(*(f"ISIC_{n:07},IP_{n % 2056},{int(n < 584)}" for n in range(33126)))
    archive.isic_2019(
        *(
            f"ISIC_{50000 + n:07}{'_downsampled' * (n < 2074)},{'MEL' if n < 4522 else 'NV'},L{n // 2}"
            for n in range(25331)
        )
    )
    from imbalkit_melanoma.datasets import IsicMerge

    IsicMerge(tables=archive.tables).load()  # imports
    start = time.process_time()
    table = IsicMerge(tables=archive.tables, clean=["conflicting_labels", "repeated_names"]).load()
    assert time.process_time() - start < 1.5
    assert table.counts() == (32542, 5106)
