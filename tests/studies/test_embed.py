"""`imbalkit embed`: the features that runs and samplers see, whole after an interruption, and never over another file."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit.engine import embedding as embeddings
from imbalkit.notebook.run import Run
from imbalkit.studies import embed as embed_module
from tests.command_line import imbalkit


@pytest.fixture
def project(finished_run, tmp_path):
    """A copy of the project of the finished run."""
    shutil.copytree(finished_run.parent, tmp_path / "project")
    return tmp_path / "project"


def feature_columns(frame):
    return frame.filter(like="feature_").to_numpy()


def test_of_a_run_they_are_what_its_head_sees(project):
    done = imbalkit("embed", "run", "--out", "f.parquet", cwd=project)
    frame = pd.read_parquet(project / "f.parquet")
    record = pd.read_parquet(project / "run" / "data.parquet")
    assert done.stdout.strip() == "f.parquet"
    assert list(frame.columns[:5]) == ["source", "path", "label", "group", "split"]
    for name in ("path", "label", "group", "split"):
        assert frame[name].tolist() == record[name].tolist()
    restored = Run.load(project / "run").predictor().restored
    assert np.array_equal(feature_columns(frame), restored.features(restored.images()))
    assert frame.attrs["imbalkit"]["network"]["run"] == Run.load(project / "run").name


def test_of_a_recipe_they_are_those_of_its_pretrained_backbone(project):
    imbalkit("embed", "recipe.yaml", "--out", "f.parquet", cwd=project)
    found = feature_columns(pd.read_parquet(project / "f.parquet"))

    import torch

    from imbalkit.builtin.backbones import Timm
    from imbalkit.data.image_store import FileStore
    from imbalkit.kinds import BuildContext

    backbone = Timm(model="test_efficientnet", weights=str(project / "start.safetensors"))
    body = backbone.build(BuildContext(("common", "rare"), (1, 1))).eval()
    restored = Run.load(project / "run").predictor().restored
    frame = pd.read_parquet(project / "f.parquet")
    store = FileStore([str(project / path) for path in frame["path"]], restored.rule)
    pixels = torch.from_numpy(store.take(np.arange(len(store)))).permute(0, 3, 1, 2).float() / 255
    scale = backbone.preprocessing()
    mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in (scale.mean, scale.std))
    with torch.no_grad():
        expected = body((pixels - mean) / std).numpy()
    assert found == pytest.approx(expected, abs=1e-4)


def test_an_interrupted_call_goes_on(project, monkeypatch):
    monkeypatch.setattr(embed_module, "PART", 32)
    imbalkit("embed", "run", "--out", "whole.parquet", cwd=project)
    calls = []
    features = embeddings.Embedding.features

    def few(self, samples, progress=lambda rows: None):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(samples)
        return features(self, samples, progress)

    monkeypatch.setattr(embeddings.Embedding, "features", few)
    assert imbalkit("embed", "run", "--out", "f.parquet", cwd=project, check=False).returncode
    assert not (project / "f.parquet").exists()
    monkeypatch.setattr(embeddings.Embedding, "features", lambda *given: calls.append(given[1]) or features(*given))
    done = imbalkit("embed", "run", "--out", "f.parquet", cwd=project)
    assert "64 of 120 rows were computed before" in done.stderr
    assert np.array_equal(np.concatenate(calls), np.arange(120))  # no row twice
    pd.testing.assert_frame_equal(pd.read_parquet(project / "f.parquet"), pd.read_parquet(project / "whole.parquet"))
    assert not (project / "f.parquet.parts").exists()


def test_parts_of_other_features_are_computed_anew(project):
    parts = project / "f.parquet.parts"
    parts.mkdir()
    (parts / "facts.json").write_text('{"network": "another"}')
    np.save(parts / "00000.npy", np.zeros((120, 3), dtype=np.float32))
    imbalkit("embed", "run", "--out", "f.parquet", cwd=project)
    assert feature_columns(pd.read_parquet(project / "f.parquet")).any(axis=1).all()


def test_a_finished_file_stays(project):
    imbalkit("embed", "run", "--out", "f.parquet", cwd=project)
    before = (project / "f.parquet").stat().st_mtime_ns
    assert "holds these features already" in imbalkit("embed", "run", "--out", "f.parquet", cwd=project).stderr
    assert (project / "f.parquet").stat().st_mtime_ns == before
    imbalkit("embed", "recipe.yaml", "--out", "f.parquet", cwd=project)  # other features
    assert (project / "f.parquet").stat().st_mtime_ns > before


def refused(project, *arguments):
    done = imbalkit("embed", *arguments, cwd=project, check=False)
    assert done.returncode
    return done.stderr


def test_what_is_refused(project):
    pd.DataFrame({"a": [1]}).to_parquet(project / "other.parquet")
    assert "holds something else" in refused(project, "run", "--out", "other.parquet")
    assert "ends in .parquet" in refused(project, "run", "--out", "f.csv")
    assert "no folder" in refused(project, "run", "--out", "none/f.parquet")
    assert "random weights" in refused(project, "recipe.yaml", "--out", "f.parquet", "--set", "backbone=small_cnn")
    assert "own recipe" in refused(project, "run", "--out", "f.parquet", "--set", "seed=1")
    assert "for a RUN" in refused(project, "recipe.yaml", "--out", "f.parquet", "--device", "cpu")
    assert not list(project.glob("f.*"))


def test_an_unreadable_image_is_left_out_and_named(project):
    (project / "photographs" / "common" / "001.png").write_bytes(b"no picture")
    done = imbalkit("embed", "recipe.yaml", "--out", "f.parquet", "--set", "images.on_bad_image=skip", cwd=project)
    frame = pd.read_parquet(project / "f.parquet")
    assert 1 not in set(frame["source"])
    assert len(frame) == 119
    assert "left out, cannot be read: " in done.stderr
    assert "001.png" in done.stderr
