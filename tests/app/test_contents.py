"""What is in an app: the model and its card as they are, the list for the service worker, the model's name."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from types import SimpleNamespace

import pytest
from imbalkit_app.contents import app_contents, named, read_model, version_of
from imbalkit_app.page import PageError

from imbalkit_lite.errors import CardError, ModelError
from tests.app.conftest import STUB
from tests.app.models import CARD, put_card, with_card


def app_of(page, model, version):
    return app_contents(page, *read_model(model, version))


def listed(contents):
    """What files.js says, read as the service worker's JavaScript would."""
    text = contents["files.js"].decode()
    assert text.startswith("self.FILES = ")
    assert text.endswith(";\n")
    return json.loads(text.removeprefix("self.FILES = ").removesuffix(";\n"))


def test_the_model_and_its_card_are_those_of_the_file(stub, model):
    contents = app_of(stub, model, "9.8.7")
    data = model.read_bytes()
    assert contents["model/model.tflite"] == data
    assert contents["model/card.json"] == zipfile.ZipFile(model).read("imbalkit.json")
    assert json.loads(contents["model/facts.json"]) == {
        "file": "moles.tflite",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "imbalkit": "9.8.7",
    }
    rewritten = {"files.js", "manifest.webmanifest"}
    assert {name: contents[name].decode() for name in STUB.keys() - rewritten} == {
        name: STUB[name] for name in STUB.keys() - rewritten
    }
    assert contents.keys() == STUB.keys() | {"model/model.tflite", "model/card.json", "model/facts.json"}


def test_a_model_of_fewer_bits_is_refused(model, tmp_path):
    path = with_card(model, tmp_path / "twelve.tflite", replace(CARD, bits=12))
    with pytest.raises(ModelError, match="pictures of 12 bits"):
        read_model(path, "1")


def test_a_model_of_table_rows_is_refused(model, monkeypatch):
    card = SimpleNamespace(input=None, bits=16, columns=SimpleNamespace(names=("age",)))
    monkeypatch.setattr("imbalkit_app.contents.open_model", lambda path: SimpleNamespace(card=card))
    with pytest.raises(ModelError, match=r"moles\.tflite takes rows of a table and no pictures"):
        read_model(model, "1")


def test_the_list_names_every_file_that_the_page_asks_for(stub, model):
    contents = app_of(stub, model, "1")
    found = listed(contents)
    assert found["files"][:2] == ["./", "index.html"]
    assert sorted(found["files"][1:]) == sorted(contents.keys() - {"files.js", "sw.js"})
    assert len(found["version"]) == 16
    assert int(found["version"], 16) >= 0


def test_the_version_changes_with_every_file_and_with_nothing_else(stub, model):
    contents = app_of(stub, model, "1")
    version = listed(contents)["version"]
    assert listed(app_of(stub, model, "1"))["version"] == version
    for name in contents.keys() - {"files.js"}:
        assert version_of(contents | {name: contents[name] + b" "}) != version, name
    assert version_of(contents | {"files.js": b""}) == version  # it cannot hold a hash of itself
    renamed = {("renamed" if name == "sw.js" else name): content for name, content in contents.items()}
    assert version_of(renamed) != version


def test_the_manifest_has_the_models_name(stub, model):
    found = json.loads(app_of(stub, model, "1")["manifest.webmanifest"])
    assert found == {
        "name": "Moles of a test",
        "short_name": "Moles of a…",
        "description": "Tells dark from bright spots; for tests only",
        "start_url": "./",
        "icons": [],
    }


def test_a_short_name_stays_and_no_description_changes_nothing():
    manifest = {"name": "imbalkit", "short_name": "imbalkit", "description": "the page's"}
    found = named(manifest, replace(CARD, name="petals", description=""))
    assert found == {"name": "petals", "short_name": "petals", "description": "the page's"}


def test_a_folder_that_is_no_page(stub, model):
    (stub / "sw.js").unlink()
    (stub / "index.html").unlink()
    with pytest.raises(PageError, match=r"expected a built page in .*stub, there is no index.html and no sw.js"):
        app_of(stub, model, "1")


def test_files_that_are_no_models(tmp_path, model):
    data = model.read_bytes()
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(
        ModelError, match=r"runs TFLite files, .*model\.onnx is ONNX: `imbalkit export RUN --to tflite`"
    ):
        read_model(tmp_path / "model.onnx", "1")
    with pytest.raises(ModelError, match=r"there is no file .*gone\.tflite"):
        read_model(tmp_path / "gone.tflite", "1")
    (tmp_path / "bare.tflite").write_bytes(data[: zip_start(data)])
    with pytest.raises(CardError, match=r"bare\.tflite has no card"):
        read_model(tmp_path / "bare.tflite", "1")
    (tmp_path / "cut.tflite").write_bytes(data[: len(data) // 2])
    with pytest.raises(CardError, match=r"cut\.tflite has no card .*cut off"):
        read_model(tmp_path / "cut.tflite", "1")
    damaged = bytearray(data)
    damaged[16 : zip_start(data)] = b"\xff" * (zip_start(data) - 16)
    (tmp_path / "damaged.tflite").write_bytes(damaged)
    with pytest.raises(ModelError, match=r"damaged\.tflite is damaged: its checksum"):
        read_model(tmp_path / "damaged.tflite", "1")
    other = replace(CARD, classes=("a", "b", "c"), positive="a")
    (tmp_path / "other.tflite").write_bytes(data[: zip_start(data)])
    with pytest.raises(ModelError, match=r"other\.tflite does not fit its card"):
        read_model(put_card(tmp_path / "other.tflite", other), "1")


def zip_start(data: bytes) -> int:
    """Where the associated files begin."""
    return data.index(b"PK\x03\x04")
