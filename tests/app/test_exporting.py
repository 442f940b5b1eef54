"""`imbalkit app RUN`: a finished run is exported and packed in one go; one that cannot be is refused in one sentence."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imbalkit_lite.model import open_model
from tests.command_line import imbalkit
from tests.made_once import made_once
from tests.people import RECIPE, write_people

pytestmark = pytest.mark.slow  # a converter
for module in ("litert_torch", "ai_edge_litert", "cryptography"):
    pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[tflite,app]'")


@pytest.fixture
def project(finished_run, stub_page, tmp_path, monkeypatch, tmp_path_factory) -> Path:
    """A copy of a project folder with a finished run, `run`."""
    keys = made_once(tmp_path_factory, "apk-key", lambda folder: None)
    monkeypatch.setenv("IMBALKIT_APP_CERTIFICATES", str(keys))
    return shutil.copytree(finished_run.parent, tmp_path / "project")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_a_run_is_exported_and_packed(project):
    before = names(project / "run")
    done = imbalkit("app", "run", cwd=project)
    assert "exporting run to model.tflite" in done.stderr
    assert done.stdout.startswith("run/model-app: ")
    made = {"model.tflite", "model.tflite.json", "parity.json", "model-app"}
    assert names(project / "run") - before == made
    exported = (project / "run" / "model.tflite").read_bytes()
    assert (project / "run" / "model-app" / "model" / "model.tflite").read_bytes() == exported
    assert json.loads((project / "run" / "parity.json").read_text())["model.tflite"]["quantize"] == "none"
    engine = open_model(project / "run" / "model.tflite")  # the very file of `imbalkit export`
    imbalkit("export", "run", "--to", "tflite", "--out", "other.tflite", cwd=project)
    pixels = np.random.default_rng(0).integers(0, 256, (4, *engine.rule.size, 3), dtype=np.uint8)
    assert np.array_equal(engine.probabilities(pixels), open_model(project / "other.tflite").probabilities(pixels))
    imbalkit("app", "run", "--apk", "run.apk", cwd=project)
    with zipfile.ZipFile(project / "run.apk") as archive:
        card = json.loads(archive.read("assets/page/model/card.json"))
    assert card == json.loads((project / "run" / "model.tflite.json").read_text())


def refused(*words: object, cwd: Path) -> str:
    before = {path: path.stat().st_mtime_ns for path in cwd.rglob("*") if not path.name.endswith(".lock")}
    done = imbalkit("app", *words, cwd=cwd, check=False)
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if not line.startswith("exporting ")]
    after = {path: path.stat().st_mtime_ns for path in cwd.rglob("*") if not path.name.endswith(".lock")}
    folders = {path for path in after if path.is_dir()}  # where a temporary file was
    assert {path: when for path, when in after.items() if path not in folders} == {
        path: when for path, when in before.items() if path not in folders
    }
    return error


@pytest.mark.parametrize("words", [(), ("--apk", "run.apk")])
def test_a_run_that_is_not_finished(project, words):
    (project / "run" / "metrics.json").unlink()
    assert "the run in " in refused("run", *words, cwd=project)


def test_a_folder_that_is_no_run(project):
    assert "is not a run folder: expected recipe.yaml and run.json" in refused("photographs", cwd=project)


def test_what_is_wrong_with_the_place_is_said_before_the_export(project):
    assert "photographs is there and is not an earlier app" in refused("run", "--out", "photographs", cwd=project)
    assert "--apk-id: expected" in refused("run", "--apk", "run.apk", "--apk-id", "moles", cwd=project)
    assert not (project / "run" / "model.tflite").exists()


@pytest.mark.parametrize("words", [(), ("--apk", "run.apk")])
def test_a_run_whose_file_answers_otherwise(project, monkeypatch, words):
    from imbalkit_tflite.exporter import TFLite

    runtimes = TFLite.runtimes

    def off(self, path, threads=None):
        first = runtimes(self, path, threads)[0]
        return [replace(first, probabilities=lambda *given: first.probabilities(*given)[:, ::-1])]

    monkeypatch.setattr(TFLite, "runtimes", off)
    error = refused("run", *words, cwd=project)
    assert "model.tflite was not written: on 24 validation rows its outputs are not the network's" in error
    assert not (project / "run.apk").exists()


def test_a_run_that_takes_columns_is_refused_before_it_is_exported(project, no_charts):
    from imbalkit import run

    recipe = RECIPE | {"data": write_people(project / "people"), "training": {"epochs": 1, "threads": 1}}
    run(recipe | {"evaluation": {"resamples": 0}}, folder=project / "columns")
    done = imbalkit("app", "columns", "--apk", "columns.apk", cwd=project, check=False)
    assert "columns takes age, sex, site beside the picture" in done.stderr
    assert "exporting" not in done.stderr
    assert not list(project.glob("columns/*.tflite*"))
