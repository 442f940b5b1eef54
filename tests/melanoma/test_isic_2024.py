"""ISIC 2024 on made-up files of its form: train-metadata.csv, train-image.hdf5 with a JPEG a dataset."""

from __future__ import annotations

import json

import numpy as np
import pytest
from imbalkit_melanoma.datasets import Isic2024

from imbalkit import run
from imbalkit.errors import DataError
from imbalkit.recipe.prepare import prepare
from imbalkit_lite.images import decode
from tests.melanoma.isic_2024_files import HEADER, jpeg, write_isic_2024

h5py = pytest.importorskip("h5py")


@pytest.fixture
def files(tmp_path):
    """120 rows of 40 patients, 24 of them malignant."""
    return write_isic_2024(tmp_path)


def test_rows_images_and_groups(files):
    table = Isic2024(tables=str(files)).load()
    assert (len(table), table.classes, table.counts()) == (120, ("benign", "malignant"), (96, 24))
    row = table.frame.iloc[5]
    assert row["path"] == f"{files}/train-image.hdf5!ISIC_0000005"
    assert (row["label"], row["group"], row["patient_id"]) == ("malignant", "IL_0000005", "IP_0000001")
    assert table.groups is not None
    assert len(np.unique(table.groups)) == 40  # patients; a group is named by the first of its lesions and patient
    assert (decode(row["path"]) == decode(jpeg(5, True))).all()
    assert table.problems == ()
    assert (row["year"], row["age"], row["site"], row["tbp_lv_A"]) == (2024, 60.0, "lower extremity", 0.5)
    assert np.isnan(table.frame["age"][1])
    told = {"iddx_1", "mel_mitotic_index", "mel_thick_mm", "tbp_lv_dnn_lesion_confidence", "attribution", "target"}
    assert not told & set(table.frame)


def test_a_file_and_a_folder_of_photographs_do_as_well(files, tmp_path):
    given = Isic2024(tables=str(files), images=str(files / "train-image.hdf5")).load()
    assert given.frame["path"][0].endswith("train-image.hdf5!ISIC_0000000")
    (files / "train-image.hdf5").rename(files / "away")
    (files / "train-image").mkdir()
    (files / "train-image" / "ISIC_0000000.jpg").write_bytes(jpeg(0, True))
    table = Isic2024(tables=str(files)).load()
    assert table.frame["path"][0] == f"{files}/train-image/ISIC_0000000.jpg"
    assert "119 of 120 image files are not there" in table.problems[0]


@pytest.mark.parametrize("header, row, message", [
    (HEADER, "ISIC_1,2,P", "have no target of 0 or 1"),
    (HEADER.replace("patient_id", "patient"), "ISIC_1,1,P", "has no column 'patient_id'; did you mean 'patient'"),
    (HEADER, ",1,P", "have no isic_id"),
])  # fmt: skip
def test_tables_that_are_refused(tmp_path, header, row, message):
    (tmp_path / "train-metadata.csv").write_text(f"{header}\n{row}{',' * (header.count(',') - 2)}\n")
    with pytest.raises(DataError, match=message):
        Isic2024(tables=str(tmp_path)).load()


def test_without_its_files(tmp_path):
    with pytest.raises(DataError, match=r"there is no train-metadata.csv below"):
        Isic2024(tables=str(tmp_path)).load()


def test_the_recipe_runs_with_its_metric(files, tmp_path, monkeypatch, no_charts):
    monkeypatch.setenv("ISIC_2024", str(files))
    small = ["samplers=[{name: random_under, to: {benign: 40}}]", "backbone=small_cnn", "images.size=16", "augment=[]",
             "training.epochs=2", "training.accelerator=cpu", f"images.cache={tmp_path / 'cache'}"]  # fmt: skip
    prepared = prepare("melanoma/2024", small)
    assert prepared.split.shared_groups == 0
    folder = run("melanoma/2024", small, folder=tmp_path / "run").folder
    metrics = json.loads((folder / "metrics.json").read_text())
    assert 0 <= metrics["test"]["partial_auc"] <= 0.2
