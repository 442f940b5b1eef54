"""`imbalkit init` on containers: the recipe it writes can be planned, and leads to the images."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imbalkit.errors import DataError
from imbalkit.inspection.recipe_draft import inspect, recipe_text
from imbalkit.inspection.starting_point import starting_point
from imbalkit.recipe.prepare import prepare
from imbalkit_lite.images import decode


def picture(number):
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


FILES = {f"ISIC_{number:03d}": picture(number) for number in range(60)}
TABLE = pd.DataFrame({
    "isic_id": list(FILES), "target": [int(n % 4 == 0) for n in range(60)], "patient_id": [f"P{n // 3}" for n in range(60)],
})  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_zip(name, names):
    with zipfile.ZipFile(name, "w") as archive:
        for member, content in zip(names, FILES.values(), strict=True):
            archive.writestr(member, content)


def written(here, *arguments, **more):
    """What init found, and the recipe that it writes, prepared."""
    found = inspect(*arguments, **more)
    assert found.bad == []
    out = here / "recipe.yaml"
    out.write_text(recipe_text(found, starting_point(found), out))
    prepared = prepare(out)
    assert len(prepared.table) == 60
    first = prepared.table.frame["path"][0]
    assert decode(first).shape == (20, 20, 3)
    return found, prepared


def test_class_folders_in_a_zip(here):
    write_zip("photos.zip", [f"set/{'rare' if n % 4 == 0 else 'common'}/p{n // 3}/{n}.jpg" for n in range(60)])
    found, prepared = written(here, here.joinpath("photos.zip!set").relative_to(here))
    assert found.part.name == "image_folder"
    assert prepared.table.classes == ("common", "rare")
    assert found.group_pattern == "^[^/]+/([^/]+)/"


def test_a_zip_with_a_table_beside_it(here):
    write_zip("images.zip", [f"train/{name}.jpg" for name in FILES])
    TABLE.to_csv("labels.csv", index=False)
    expected = {"file": "labels.csv", "root": "images.zip!train", "path_template": "{isic_id}.jpg"}
    for given in ("images.zip", "labels.csv", "."):
        found, prepared = written(here, here.joinpath(given).relative_to(here))
        parameters = found.part.model_dump(exclude_defaults=True)
        assert {key: parameters[key] for key in expected} == expected
        assert parameters["group_column"] == "patient_id"
        assert prepared.split.shared_groups == 0


def test_hdf5_with_its_table(here):
    h5py = pytest.importorskip("h5py")
    with h5py.File("train-image.hdf5", "w") as file:
        for name, content in FILES.items():
            file[name] = np.void(content)
    TABLE.to_csv("train-metadata.csv", index=False)
    for given in ("train-image.hdf5", "train-metadata.csv"):
        found, _ = written(here, here.joinpath(given).relative_to(here))
        assert (found.part.root, found.part.path_column) == ("train-image.hdf5", "isic_id")
    found, _ = written(here, here.joinpath("train-metadata.csv"), here.joinpath("train-image.hdf5"))
    assert found.part.root == str(here / "train-image.hdf5")


def test_a_table_of_addresses(here):
    write_zip("images.zip", [f"{name}.jpg" for name in FILES])
    TABLE.assign(path=[f"images.zip!{name}.jpg" for name in FILES]).to_csv("t.csv", index=False)
    found, _ = written(here, here.joinpath("t.csv"))
    assert found.part.path_column == "path"
    assert found.part.root is None


def write_parquet(name, rows):
    some = TABLE.iloc[rows]
    cells = [{"bytes": FILES[key], "path": f"{key}.jpg"} for key in some["isic_id"]]
    table = pa.table({"image": cells, "label": some["target"].tolist()})
    features = {"image": {"_type": "Image"}, "label": {"names": ["benign", "malignant"], "_type": "ClassLabel"}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), name)


def test_a_parquet_file_of_the_hub(here):
    write_parquet("train-00000-of-00001.parquet", range(60))
    found, prepared = written(here, here.joinpath("train-00000-of-00001.parquet"))
    assert found.part.path_column == "image"
    assert prepared.table.classes == ("benign", "malignant")


def test_parquet_files_of_the_hub_by_split(here):
    write_parquet("train-00000-of-00002.parquet", range(20))
    write_parquet("train-00001-of-00002.parquet", range(20, 40))
    write_parquet("test-00000-of-00001.parquet", range(40, 60))
    found, prepared = written(here, here)
    assert [len(files) for files in found.part.file.values()] == [2, 1]
    assert prepared.split.counts["test"] == (15, 5)


def test_what_nothing_is_said_of(here):
    write_zip("images.zip", [f"{name}.jpg" for name in FILES])
    with pytest.raises(DataError, match="expected one folder a class in images.zip, or a table beside it that names"):
        inspect(here.joinpath("images.zip").relative_to(here))
    (here / "sub").mkdir()
    (here / "images.zip").rename(here / "sub" / "images.zip")
    with pytest.raises(DataError, match="found no images; run init on images.zip"):
        inspect(here / "sub")
