"""From a run to a file: the file is there if its answers are the network's, and otherwise nothing is."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

import imbalkit.export.export
from imbalkit.builtin.calibrators import Isotonic
from imbalkit.decision.corrections import calibration
from imbalkit.errors import DataError, ImbalkitError, RecipeError
from imbalkit.export.export import export, export_all
from imbalkit.kinds import Exporter, FileRuntime
from imbalkit.runs.restore import restore
from imbalkit_lite.card import Card


class Itself(Exporter):
    """Writes the card; the network itself answers, with a mistake of `off` on the logits."""

    name, suffix, layout = "itself", ".txt", "NHWC"
    quantizations = ("none", "fp16", "int8")
    off: float = 0.0
    seen: ClassVar[dict] = {}

    def write(self, model, path):
        self.seen.update(model=model, path=path)
        path.write_text(model.card.to_text())

    def runtimes(self, path, threads=None):
        assert path == self.seen["path"], "compared before it has its name"
        return [FileRuntime("itself", self.answer)]

    def answer(self, inputs):
        with torch.no_grad():
            answers = self.seen["model"].network(torch.from_numpy(inputs)).numpy().astype(float)
        odds = answers * np.exp([0, self.off])
        return odds / odds.sum(axis=1, keepdims=True)

    def facts(self, path):
        return {"words": len(path.read_text().split())}


@pytest.fixture
def run(finished_run, tmp_path):
    """A copy of a run folder, whose data are there."""
    return shutil.copytree(finished_run, tmp_path / "run")


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_the_file_its_card_and_what_was_compared(run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    facts = export(restore(run), Itself(), out / "mine.txt")
    assert names(out) == {"mine.txt", "mine.txt.json", "parity.json"}
    card = Card.from_text((out / "mine.txt").read_text())
    assert card == Card.from_text((out / "mine.txt.json").read_text())
    assert json.loads((out / "parity.json").read_text()) == {"mine.txt": facts}
    assert facts["compared_on"] == {"rows": "validation", "classes": {"common": 17, "rare": 7}}
    assert facts["runtimes"]["itself"]["rows"] == 24
    assert facts["runtimes"]["itself"]["largest_probability_difference"] < 1e-6
    assert facts["runtimes"]["itself"]["flips"]["rows"] == 0
    assert facts["words"] > 10
    assert facts["notes"] == []
    assert facts["bytes"] == (out / "mine.txt").stat().st_size


def test_entries_of_other_files_are_kept_and_foreign_ones_refused_first(run):
    parity = run / "parity.json"
    parity.write_text('{"other.txt": {"bytes": 1}}')
    export(restore(run), Itself(), run / "model.txt")
    assert json.loads(parity.read_text()).keys() == {"other.txt", "model.txt"}
    for text in ("[]", "{"):
        parity.write_text(text)
        with pytest.raises(ImbalkitError, match=r"expected .*parity.json to hold entries .*: move it away"):
            export(restore(run), Itself(), run / "second.txt")
        assert parity.read_text() == text
        assert not (run / "second.txt").exists()


def test_exports_at_the_same_time_keep_the_entries_of_each_other(run, tmp_path, monkeypatch):
    judged, waiting = imbalkit.export.export.judge, ["second.txt"]

    def judge_and_meanwhile(*arguments):
        if waiting:
            export(restore(run), Itself(), tmp_path / waiting.pop())
        return judged(*arguments)

    monkeypatch.setattr("imbalkit.export.export.judge", judge_and_meanwhile)
    export(restore(run), Itself(), tmp_path / "first.txt")
    assert json.loads((tmp_path / "parity.json").read_text()).keys() == {"first.txt", "second.txt"}


def test_a_stop_while_it_is_measured_leaves_the_entry(run, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("imbalkit.export.benchmark.measure", stopped)
    with pytest.raises(KeyboardInterrupt):
        export(restore(run), Itself(), run / "model.txt", measured=True)
    entry = json.loads((run / "parity.json").read_text())["model.txt"]
    assert entry["sha256"] == hashlib.sha256((run / "model.txt").read_bytes()).hexdigest()
    assert entry["versions"]["torch"] == torch.__version__.split("+")[0]


def test_figures_of_the_network_are_those_of_the_run(run):
    found = export(restore(run), Itself(), run / "model.txt")["runtimes"]["itself"]
    figures = json.loads((run / "metrics.json").read_text())["validation"]
    assert found["auc"]["network"] == pytest.approx(figures["roc_auc"])
    assert found["sensitivity"]["network"] == pytest.approx(figures["recall"]["rare"])
    assert found["specificity"]["network"] == pytest.approx(figures["recall"]["common"])


@pytest.mark.parametrize("kept", [False, True])
def test_a_file_that_answers_otherwise_is_not_written(run, kept):
    if kept:
        export(restore(run), Itself(), run / "model.txt")
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    with pytest.raises(
        ImbalkitError, match=r"model.txt was not written: on 24 validation rows .* itself's probabilities differ"
    ):
        export(restore(run), Itself(off=0.01), run / "model.txt")
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_a_quantised_file_is_held_to_the_recipes_limits(run):
    wide = {"auc": 1.0, "sensitivity": 1.0, "ece": 1.0, "flips": 1.0}
    exporter = Itself(quantize="int8", limits=wide | {"flips": 0.99}, off=-1.0)
    message = r"100\.00% of the rows are decided otherwise \(at most 99\.00%\)\n  Use fp16, or raise the limits"
    with pytest.raises(ImbalkitError, match=message) as refused:
        export(plain(run), exporter, run / "model.txt")
    assert "int8 is known to harm" not in str(refused.value)
    facts = export(plain(run), Itself(quantize="int8", limits=wide, off=-1.0), run / "model.txt")
    assert facts["limits"] == wide
    assert facts["runtimes"]["itself"]["flips"]["rows"] == 24


def plain(run):
    """A run whose network has no swish, and gives every row a probability of one half, which is called rare."""
    restored = restore(run)
    restored.model.body = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    restored.model.head = torch.nn.Linear(3, 2)
    torch.nn.init.zeros_(restored.model.head.weight)
    torch.nn.init.zeros_(restored.model.head.bias)
    return replace(restored, decision=replace(restored.decision, threshold=0.45))


def test_int8_on_swish_and_squeeze_excite_is_warned_of_by_name(run):
    layers = r"swish \(SiLU\), squeeze-excite layers"
    with pytest.raises(
        ImbalkitError, match=rf"The network has {layers}, which int8 is known to harm: use fp16 or dynamic"
    ):
        export(restore(run), Itself(quantize="int8", off=5.0), run / "model.txt")
    (note,) = export(restore(run), Itself(quantize="int8"), run / "model.txt")["notes"]
    assert "swish (SiLU), squeeze-excite layers, which the network has: fp16 or dynamic are safer" in note


def test_int8_is_fitted_on_validation_rows_evenly_over_classes(run):
    exporter = Itself(quantize="int8", calibration_rows=8, input="uint8")
    restored = restore(run)
    export(restored, exporter, run / "model.txt")
    fitted = exporter.seen["model"].calibration
    assert fitted.dtype == np.uint8
    assert fitted.shape == (8, 32, 24, 3)
    split, labels = restored.prepared.split, restored.prepared.table.labels
    known = {
        image.tobytes(): labels[row]
        for row, image in zip(split.validation, restored.images().take(split.validation), strict=True)
    }
    assert sorted(known[image.tobytes()] for image in fitted) == [0] * 4 + [1] * 4
    export(restored, Itself(), run / "model.txt")
    assert exporter.seen["model"].calibration is None


def test_a_run_whose_data_are_gone_needs_the_flag(run, tmp_path):
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | {"directory": str(tmp_path)}))
    with pytest.raises(DataError, match="With --synthetic it is compared on synthetic images"):
        export(restore(run), Itself(), run / "model.txt")
    assert not (run / "model.txt").exists()
    facts = export(restore(run), Itself(), run / "model.txt", synthetic=True)
    assert facts["compared_on"] == {"rows": "synthetic", "classes": None}
    assert facts["runtimes"]["itself"]["auc"] is None
    assert facts["notes"] == ["compared on synthetic images: how the metrics change on real ones is not known"]
    with pytest.raises(ImbalkitError, match="int8 is fitted on the run's own rows"):
        export(restore(run), Itself(quantize="int8"), run / "model.txt", synthetic=True)
    with pytest.raises(ImbalkitError, match="on 32 synthetic rows its outputs are not the network's"):
        export(restore(run), Itself(off=0.1), run / "model.txt", synthetic=True)


def test_a_calibrator_without_a_graph_is_refused(run):
    restored, labels = restore(run), np.arange(60) % 2
    step = calibration(Isotonic(), np.random.default_rng(0).normal(size=(60, 2)) + np.eye(2)[labels], labels)
    restored = replace(restored, decision=replace(restored.decision, corrections=(step,)))
    message = "the calibrator 'isotonic' cannot be put into a model file: train with .* temperature or vector"
    with pytest.raises(ImbalkitError, match=message):
        export(restored, Itself(), run / "model.txt")
    assert not (run / "model.txt").exists()


def test_a_file_that_fails_at_the_end_of_a_run_costs_the_run_nothing(run):
    metrics = json.loads((run / "metrics.json").read_text())
    restored = restore(run)
    exporters = [Itself(off=1.0), Itself(file="good.txt")]
    recipe = restored.recipe.model_copy(update={"export": exporters})
    prepared = restored.prepared
    object.__setattr__(prepared, "recipe", recipe)
    facts, notes = export_all(run, metrics, prepared)
    assert list(facts) == ["model.txt", "good.txt"]
    assert "model.txt was not written" in facts["model.txt"]["error"]
    assert notes == [f"export: {facts['model.txt']['error']}"]
    assert (run / "good.txt").exists()
    assert not (run / "model.txt").exists()


def test_names_of_files_and_what_an_exporter_cannot_write():
    assert Itself().file_name == "model.txt"
    assert Itself(quantize="int8", input="uint8").file_name == "model-int8-uint8.txt"
    assert Itself(file="phone.txt").file_name == "phone.txt"
    with pytest.raises(ValueError, match="quantize: the exporter 'itself' writes none, fp16, int8, got 'dynamic'"):
        Itself(quantize="dynamic")
    for name in ("phone.bin", "out/phone.txt"):
        with pytest.raises(ValueError, match=r"file: expected a name that ends in .txt, without a folder"):
            Itself(file=name)


def test_two_files_of_one_name_are_refused_before_anything_runs():
    from imbalkit.recipe.prepare import prepare

    twice = "export=[{name: onnx}, {name: onnx, rows: 5}]"
    with pytest.raises(
        RecipeError, match=r"export\[1\]: writes model.onnx, as export\[0\] does: give one of them another"
    ):
        prepare("digits", [twice])
    prepare("digits", ["export=[{name: onnx}, {name: onnx, quantize: fp16}, {name: onnx, rows: 5, file: b.onnx}]"])
