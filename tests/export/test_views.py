"""Averaged views inside a file: its answers are those of `imbalkit predict`; without them it says what that costs."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from imbalkit.export.card import card_of
from imbalkit.export.export import export
from imbalkit.runs.restore import restore
from imbalkit_lite.model import open_model
from tests.command_line import imbalkit
from tests.export import test_export
from tests.functional.test_views import numpy_views

LOOSE = {"auc": 1.0, "sensitivity": 1.0, "ece": 1.0, "flips": 1.0}


class Itself(test_export.Itself):
    """The same for any number of classes."""

    def answer(self, inputs):
        with torch.no_grad():
            return self.seen["model"].network(torch.from_numpy(inputs)).numpy().astype(float)


def with_views(run, folder, views):
    """A copy of a run that averages views; its decision stays."""
    copy = shutil.copytree(run, folder)
    recipe = copy / "recipe.yaml"
    assert "views: none" in recipe.read_text()
    recipe.write_text(recipe.read_text().replace("views: none", f"views: {views}"))
    return copy


@pytest.fixture
def flips(finished_run, tmp_path):
    """Pictures of 32 x 24 px, of three channels; two classes."""
    return with_views(finished_run, tmp_path / "flips", "flips")


@pytest.fixture
def dihedral(finished_run_of_digits, tmp_path):
    """Pictures of 8 x 8 px, of one channel; ten classes."""
    return with_views(finished_run_of_digits, tmp_path / "dihedral", "dihedral")


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("run, views", [("flips", "flips"), ("dihedral", "dihedral")])
def test_the_graph_averages_as_the_run_predicts(run, views, layout, request, monkeypatch, tmp_path):
    monkeypatch.setattr(Itself, "layout", layout)
    restored = restore(request.getfixturevalue(run))
    facts = export(restored, Itself(), tmp_path / "model.txt")
    assert facts["views"] == {"of_the_run": views, "in_the_file": views}
    assert facts["notes"] == []
    assert 0 < facts["runtimes"]["itself"]["largest_probability_difference"] < 1e-6
    plain = export(restored, Itself(views=False), tmp_path / "plain.txt")
    assert plain["runtimes"]["itself"]["largest_probability_difference"] < 1e-6  # of the network on plain pictures
    assert plain["views"]["in_the_file"] == "none"


def test_a_run_without_views_has_nothing_to_say_of_them(finished_run, tmp_path):
    restored = restore(finished_run)
    for exporter in (Itself(), Itself(views=False)):
        assert "views" not in export(restored, exporter, tmp_path / "model.txt")
        assert "views" not in card_of(restored, exporter).probabilities.prior


def test_a_file_without_the_views_says_so_and_what_changes(flips, tmp_path):
    restored, exporter = restore(flips), Itself(views=False)
    assert exporter.file_name == "model-plain.txt"
    facts = export(restored, exporter, tmp_path / "model.txt")
    store, rows = restored.images(), restored.prepared.split.validation
    decision, pixels = restored.decision, store.take(rows)
    averaged = decision.decide(restored.logits(pixels))
    restored.network.views = restored.network.views[:1]  # the picture alone
    otherwise = int((decision.decide(restored.logits(pixels)) != averaged).sum())
    assert facts["views"]["without_them"]["flips"] == {"rows": otherwise, "share": otherwise / len(rows)}
    (note,) = facts["notes"]
    assert note.startswith("sees the plain picture, where the run averages views (flips)")
    assert "of the validation rows" in note
    assert "ROC area" in note
    assert (
        "; of the plain picture, though fitted for the mean over 4 views (flips)"
        in (tmp_path / "model.txt").read_text()
    )
    assert card_of(restore(flips), Itself()).probabilities.prior.endswith("; mean over 4 views of the picture (flips)")


@pytest.mark.slow  # a converter
@pytest.mark.parametrize("quantize", ["none", "fp16", "int8"])
def test_an_onnx_file_answers_as_the_run_and_the_same_to_a_turned_picture(dihedral, quantize):
    onnx = restore(dihedral).catalogue.get("exporter", "onnx")(quantize=quantize, limits=LOOSE)
    restored, path = restore(dihedral), dihedral / onnx.file_name
    export(restored, onnx, path)
    model, pixels = open_model(path), restored.images().take(restored.prepared.split.test[:40])
    expected = restored.decision.probabilities(restored.logits(pixels))
    near = {"none": 1e-5, "fp16": 5e-3, "int8": 0.05}[quantize]
    assert (
        np.abs(restored.decision.probabilities(restored.logits(np.rot90(pixels, 1, (1, 2)).copy())) - expected).max()
        < 1e-5
    )
    for turned in numpy_views(pixels, "dihedral"):
        np.testing.assert_allclose(model.probabilities(np.ascontiguousarray(turned)), expected, atol=near)


@pytest.mark.slow  # a converter
def test_the_command_writes_either_file(flips):
    done = imbalkit("export", flips, "--to", "onnx", cwd=flips)
    assert "the mean over views (flips) is in the file" in done.stdout
    plain = imbalkit("export", flips, "--to", "onnx", "--no-views", cwd=flips)
    assert "note: sees the plain picture" in plain.stderr
    assert json.loads((flips / "parity.json").read_text()).keys() == {"model.onnx", "model-plain.onnx"}
    restored = restore(flips)
    pixels = restored.images().take(restored.prepared.split.test)
    files = [open_model(flips / name).probabilities(pixels) for name in ("model.onnx", "model-plain.onnx")]
    np.testing.assert_allclose(files[0], restored.decision.probabilities(restored.logits(pixels)), atol=1e-5)
    assert np.abs(files[1] - files[0]).max() > 1e-4
