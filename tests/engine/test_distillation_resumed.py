"""Runs with a teacher that were stopped, share what it says, or are finished and have lost it."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from imbalkit.engine import teacher_probabilities, teaching
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.errors import RunError
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.restore import restore
from imbalkit.training.trainer import Trainer
from tests.engine.taught_runs import BASE, distill, metrics_of, recipe

pytestmark = pytest.mark.usefixtures("no_charts")


class Stop(Exception):
    pass


def test_a_stopped_run_goes_on_without_asking_the_teacher_again(project, tmp_path, monkeypatch):
    student = recipe(project, distill(project, "single"), training=BASE["training"] | {"epochs": 2})
    whole = run(student, options=RunOptions(folder=tmp_path / "whole"))
    fit, calls = Trainer.fit, []

    def stopping(self, *arguments, **named):
        self.epoch_finished = stop
        return fit(self, *arguments, **named)

    def stop(stage, epoch, values):
        raise Stop

    monkeypatch.setattr(Trainer, "fit", stopping)
    with pytest.raises(Stop):
        run(student, options=RunOptions(folder=tmp_path / "s"))
    monkeypatch.undo()
    monkeypatch.setattr(teaching, "teacher_table", lambda *rest: calls.append(rest))
    again = run(student, options=RunOptions(folder=tmp_path / "s", resume=True))
    assert not calls
    for name in ("model.safetensors", "predictions.parquet"):
        assert (again / name).read_bytes() == (whole / name).read_bytes()


def test_a_teacher_that_has_changed_meanwhile_is_refused(project, tmp_path, monkeypatch):
    home = tmp_path / "copy"
    shutil.copytree(project / "single", home / "single")
    student = recipe(project, distill(home, "single"))
    monkeypatch.setattr(Trainer, "fit", lambda *rest, **named: (_ for _ in ()).throw(Stop))
    with pytest.raises(Stop):
        run(student, options=RunOptions(folder=tmp_path / "s"))
    monkeypatch.undo()
    weights = load_file(home / "single" / "model.safetensors")
    weights["head.bias"][:] += 1
    save_file(weights, home / "single" / "model.safetensors")
    with pytest.raises(RunError, match="is not what it was when this run began"):
        run(student, options=RunOptions(folder=tmp_path / "s", resume=True))


def test_runs_share_what_a_teacher_says(project, tmp_path, monkeypatch):
    rounds, student = tmp_path / "rounds", recipe(project, distill(project, "single"))
    first = run(student, options=RunOptions(folder=tmp_path / "1", rounds=rounds))
    monkeypatch.setattr(teaching, "teacher_table", None)
    second = run(student | {"seed": 1}, options=RunOptions(folder=tmp_path / "2", rounds=rounds))
    assert metrics_of(first)["teachers"] == metrics_of(second)["teachers"]


def test_a_finished_student_needs_no_teacher(project, tmp_path):
    from imbalkit.builtin.exporters import Onnx
    from imbalkit.export.export import export

    home = tmp_path / "copy"
    shutil.copytree(project / "single", home / "single")
    student = recipe(project, distill(home, "single", loss="focal"), decision={"prior": "data"})
    folder = run(student, options=RunOptions(folder=tmp_path / "s"))
    shutil.rmtree(home)
    restored = restore(folder)
    table = pd.read_parquet(folder / "predictions.parquet")
    np.testing.assert_allclose(
        restored.logits(table["path"].tolist()), table.filter(regex="^logit_").to_numpy(), rtol=1e-4, atol=1e-4
    )
    assert restored.decision.map is not None
    prepare(student)  # planning and figures
    assert run(student, options=RunOptions(folder=folder, resume=True)) == folder  # says that it is finished
    export(restored, Onnx(rows=8), tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").is_file()


def test_a_teacher_that_has_moved_goes_on(project, tmp_path, monkeypatch):
    homes = [tmp_path / name for name in ("before", "after")]
    for home in homes:
        shutil.copytree(project / "single", home / "single")
    folder = tmp_path / "s"
    for name in ("OFF", "TENTH"):  # so that there is a note on every teacher
        monkeypatch.setattr(teacher_probabilities, name, 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "fit", lambda *rest, **named: (_ for _ in ()).throw(Stop))
        with pytest.raises(Stop):
            run(recipe(project, distill(homes[0], "single")), options=RunOptions(folder=folder))
    shutil.rmtree(homes[0])
    moved = recipe(project, distill(homes[1], "single"))
    assert run(moved, options=RunOptions(folder=folder, resume=True)) == folder
    assert str(homes[1]) in (folder / "recipe.yaml").read_text()
    assert any(f"of the teacher {homes[1]}/single are off" in note for note in metrics_of(folder)["notes"])
    with pytest.raises(
        RunError, match=r"begun with another recipe \(loss\.teacher: "
    ):  # finished: never compared again
        run(recipe(project, distill(project, "single")), options=RunOptions(folder=folder, resume=True))
