"""Whole runs with a teacher: who teaches which row, at which class prior, going on after a stop, what is refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from imbalkit.engine import teaching
from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.engine.teacher_probabilities import restored_to_data
from imbalkit.engine.teaching import Teaching, check_teachers
from imbalkit.errors import RecipeError, RunError
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.restore import restore
from imbalkit.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("no_charts")

BASE = {
    "images": {"size": 16},
    "backbone": {"name": "small_cnn", "width": 4},
    "training": {"epochs": 1, "batch_size": 16, "threads": 1, "accelerator": "cpu", "monitor": "last"},
    "evaluation": {"resamples": 0},
}
FOLDS = {"folds": 3, "validation": 0.2}
BIAS = [-1.0, 0.5, 2.0]  # of the rare class, by fold: what each member says of every picture


def log_sigmoid(x):
    return -np.log1p(np.exp(-np.array(x)))


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """`labels.csv` with 60 pictures, `folds`, a cross-validation whose members each say one thing, and `single`, one run."""
    from PIL import Image

    home, random = tmp_path_factory.mktemp("project"), np.random.default_rng(0)
    rows = []
    for index in range(60):
        name = "rare" if index % 4 == 0 else "common"
        pixels = random.integers(0, 160, (20, 20, 3), dtype=np.uint8)
        pixels[..., 0 if name == "rare" else 2] += 80
        path = home / "photos" / f"{index:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
        rows.append((str(path), name, f"P{index // 2:02}"))
    pd.DataFrame(rows, columns=["path", "label", "group"]).to_csv(home / "labels.csv", index=False)
    for fold in range(3):
        folder = run(
            recipe(home, split=FOLDS | {"fold": fold}), options=RunOptions(folder=home / "folds" / f"fold-{fold}")
        )
        weights = load_file(folder / "model.safetensors")
        weights["head.weight"][:] = 0
        weights["head.bias"][:] = [0, BIAS[fold]]  # common, rare
        save_file(weights, folder / "model.safetensors")
    (home / "folds" / "run.json").write_text((folder / "run.json").read_text())
    (home / "folds" / "metrics.json").write_text(json.dumps({"folds": 3, "test": {}}))
    run(recipe(home), options=RunOptions(folder=home / "single"))
    return home


def recipe(home, loss="ce", **more):
    data = {"name": "table", "file": str(home / "labels.csv"), "group_column": "group"}
    return BASE | {"data": data, "positive": "rare", "loss": loss} | more


def distill(home, teacher="folds", **more):
    return {"name": "distill", "teacher": str(home / teacher)} | more


def tables(monkeypatch):
    """What trainings are given of their teachers, as they begin."""
    found, fit = [], Trainer.fit_network

    def kept(self, stage, plan, model, phases, *rest, **named):
        found.extend((stage, plan, phase) for phase in phases)
        return fit(self, stage, plan, model, phases, *rest, **named)

    monkeypatch.setattr(Trainer, "fit_network", kept)
    return found


def metrics_of(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_each_row_is_taught_by_the_fold_that_had_it_in_its_test(project, tmp_path, monkeypatch):
    found = tables(monkeypatch)
    folder = run(
        recipe(project, distill(project), split=FOLDS | {"fold": 0}), options=RunOptions(folder=tmp_path / "s")
    )
    ((_, plan, phase),) = found
    tested = {}
    for fold in range(3):
        predicted = pd.read_parquet(project / "folds" / f"fold-{fold}" / "predictions.parquet")
        tested |= dict.fromkeys(predicted.loc[predicted["split"] == "test", "path"], fold)
    paths = pd.read_csv(project / "labels.csv")["path"].to_numpy()[plan.source]
    own = np.array([tested[path] for path in paths])
    assert set(own) == {1, 2}
    bias = np.array(BIAS)[own]
    said = phase.teacher[plan.source]
    np.testing.assert_allclose(said[:, 1], log_sigmoid(bias), atol=1e-5)
    np.testing.assert_allclose(said[:, 0], log_sigmoid(-bias), atol=1e-5)
    metrics = metrics_of(folder)
    (facts,) = metrics["teachers"]
    assert facts["rows"] == {"unseen": 0, "test": len(plan), "validation": 0, "train": 0}
    assert facts["trained_on"]["test"] > 0
    assert any("whose metrics may therefore be too good" in note for note in metrics["notes"])
    page = (folder / "report.html").read_text()
    assert page.count("<strong>The teacher trained on test rows") == page.count(
        "whose metrics may therefore be too good"
    )
    assert f"{len(plan)} rows by networks that had them in their test." in page


def test_the_teacher_is_moved_to_the_class_prior_of_training(project, tmp_path, monkeypatch):
    found = tables(monkeypatch)
    split, loss = FOLDS | {"fold": 0}, {"name": "weighted_ce", "weights": {"rare": 3.0}}
    more = {"samplers": ["random_over"], "split": split, "decision": {"prior": "data"}}
    student = recipe(project, distill(project, loss=loss, members="same_split"), **more)
    folder = run(student, options=RunOptions(folder=tmp_path / "s"))
    ((_, plan, phase),) = found
    counts = metrics_of(folder)["class_counts"]
    (common, rare), (after_common, after_rare) = counts[0]["counts"], counts[1]["counts"]
    factor = after_rare / rare / (after_common / common) * 3
    said = phase.teacher[plan.source]
    np.testing.assert_allclose(said[:, 1] - said[:, 0], BIAS[0] + np.log(factor), atol=1e-4)
    prior = metrics_of(folder)["prior"]
    assert prior["exact"]
    assert prior["entries"][-1]["stage"] == "loss distill"
    assert "trained on" in " ".join(metrics_of(folder)["notes"])  # in sample


def test_deferred_losses_and_stages_have_their_own_prior(project, tmp_path, monkeypatch):
    found = tables(monkeypatch)
    loss = distill(project, "single")
    more = {
        "training": BASE["training"] | {"epochs": 2},
        "deferred": {"start": 0.5, "loss": loss},
        "stages": [{"name": "retrain", "epochs": 2, "order": "balanced", "loss": loss}],
    }
    run(recipe(project, **more), options=RunOptions(folder=tmp_path / "s"))
    first, late, stage = (phase.teacher for _, _, phase in found)
    plan = found[0][1]
    assert first is None
    common, rare = plan.counts()
    moved = (stage - late)[plan.source]
    np.testing.assert_allclose(moved[:, 1] - moved[:, 0], np.log(common / rare), atol=1e-5)


@pytest.mark.slow
def test_two_processes_are_taught_the_same_as_one(project, tmp_path):
    found = []
    for devices in (1, 2):
        training = BASE["training"] | {"devices": devices}
        student = recipe(project, distill(project, "single"), training=training, head={"dropout": 0.0})
        folder = run(student, options=RunOptions(folder=tmp_path / str(devices)))
        found.append(json.loads((folder / "log.jsonl").read_text().splitlines()[0])["loss"])
    assert found[0] == pytest.approx(found[1], rel=0.1)  # batch norm sees a device's own rows


@pytest.mark.slow
def test_the_folds_of_a_student_are_taught_each_by_its_own(project, tmp_path):
    for members, leaks in (("out_of_fold", True), ("same_split", False)):
        student = recipe(project, distill(project, members=members), split=FOLDS)
        folder = run(student, options=RunOptions(folder=tmp_path / members))
        for fold in range(3):
            (facts,) = metrics_of(folder / f"fold-{fold}")["teachers"]
            assert bool(facts["leak"]) == leaks
            assert (facts["members"] == [f"fold-{fold}"]) != leaks


@pytest.mark.parametrize("mixer", [None, "mixup", "balanced_mixup"])
def test_micro_batches_change_nothing(project, tmp_path, mixer):
    found = []
    for parts in (1, 2):
        training = BASE["training"] | {"micro_batches": parts}
        more = {"training": training, "mixer": mixer if mixer != "balanced_mixup" else {"name": mixer}}
        folder = run(
            recipe(project, distill(project, "single"), **more), options=RunOptions(folder=tmp_path / str(parts))
        )
        found.append(json.loads((folder / "log.jsonl").read_text().splitlines()[0])["loss"])
    assert np.isfinite(found).all()
    if mixer is None:  # batch norm and partners are of a part
        assert found[0] == pytest.approx(found[1], rel=0.1)


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
    export(restored, Onnx(rows=8), tmp_path / "model.onnx")
    assert (tmp_path / "model.onnx").is_file()


# --- teachers whose probabilities must be restored first ---------------------------------------------------------------


@pytest.mark.parametrize("loss", ["inverse_ce", "rce", {"name": "ce", "label_smoothing": 0.2}])
def test_a_teacher_that_left_its_prior_as_trained_is_restored(project, tmp_path, loss):
    folder = run(recipe(project, loss), options=RunOptions(folder=tmp_path / "t"))
    from imbalkit.runs.results import RunData

    restored = restore(folder)
    decision, prior = restored_to_data(RunData(folder), restored)
    assert decision.prior == "data"
    np.testing.assert_allclose(prior, [0.75, 0.25], atol=0.03)
    if loss == "rce":
        assert "bias and a temperature fitted" in decision.notes[0]
        return
    table = pd.read_parquet(folder / "predictions.parquet")
    logits = table.filter(regex="^logit_").to_numpy()
    expected = run_decision(project, tmp_path, loss, logits)
    np.testing.assert_allclose(decision.at_data_prior(logits), expected, atol=1e-6)


def run_decision(project, tmp_path, loss, logits):
    """Probabilities of the same logits in a run whose decision restores the prior."""
    folder = run(recipe(project, loss, decision={"prior": "data"}), options=RunOptions(folder=tmp_path / "restoring"))
    return restore(folder).decision.at_data_prior(logits)


def test_an_ensemble_of_folds_teaches_as_the_cross_validation(project, tmp_path, monkeypatch):
    from imbalkit.studies.ensembles import make_ensemble

    found, together = tables(monkeypatch), tmp_path / "together"
    make_ensemble([project / "folds"], together)
    for number, teacher in enumerate((project / "folds", together)):
        loss = distill(project) | {"teacher": str(teacher)}
        run(recipe(project, loss, split=FOLDS | {"fold": 0}), options=RunOptions(folder=tmp_path / str(number)))
    np.testing.assert_array_equal(found[0][2].teacher, found[1][2].teacher)


def test_folds_of_the_training_rows_alone_leak_nothing(project, tmp_path):
    labels = pd.read_csv(project / "labels.csv")
    patient = labels["group"].str[1:].astype(int)
    labels["split"] = np.where(patient % 5 == 0, "test", np.where(patient % 5 == 1, "validation", "train"))
    labels.to_csv(tmp_path / "labels.csv", index=False)
    (tmp_path / "nested").mkdir()
    labels[labels["split"] == "train"].drop(columns="split").to_csv(tmp_path / "nested" / "labels.csv", index=False)
    for fold in range(2):
        teacher = recipe(tmp_path / "nested", split={"folds": 2, "fold": fold})
        folder = run(teacher, options=RunOptions(folder=tmp_path / "folds" / f"fold-{fold}"))
    (tmp_path / "folds" / "run.json").write_text((folder / "run.json").read_text())
    (tmp_path / "folds" / "metrics.json").write_text(json.dumps({"folds": 2, "test": {}}))
    student = recipe(tmp_path, distill(tmp_path), split={"column": "split"})
    student["data"]["split_column"] = "split"
    (facts,) = metrics_of(run(student, options=RunOptions(folder=tmp_path / "s")))["teachers"]
    assert facts["leak"] == ""
    assert facts["rows"] == {"unseen": 0, "test": 36, "validation": 0, "train": 0}


def test_a_teacher_that_is_off_on_average_is_noted(project, tmp_path):
    folder = run(
        recipe(project, distill(project), split=FOLDS | {"fold": 0}), options=RunOptions(folder=tmp_path / "s")
    )
    assert any("are off on average over the training rows (" in note for note in metrics_of(folder)["notes"])


def test_a_teacher_that_takes_columns_is_given_them(project, tmp_path, monkeypatch):
    found, labels = tables(monkeypatch), pd.read_csv(project / "labels.csv")
    labels["age"] = np.random.default_rng(0).uniform(20, 80, len(labels))
    labels.to_csv(tmp_path / "labels.csv", index=False)
    teacher = run(recipe(tmp_path, inputs={"columns": ["age"]}), options=RunOptions(folder=tmp_path / "t"))
    run(recipe(tmp_path, distill(tmp_path, "t")), options=RunOptions(folder=tmp_path / "s"))
    restored, (_, plan, phase) = restore(teacher), found[-1]
    paths = labels["path"].iloc[plan.source].tolist()
    logits = restored.logits(paths, columns=restored.columns[plan.source])
    said = phase.teacher[plan.source]
    np.testing.assert_allclose(said[:, 1] - said[:, 0], logits[:, 1] - logits[:, 0], atol=1e-4)
    with pytest.raises(RecipeError, match="takes columns beside the image, and the data have no age"):
        check_teachers(prepare(recipe(project, distill(tmp_path, "t"))))


# --- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "more", "message"),
    [
        ({"teacher": "nowhere"}, {}, "loss.teacher: expected a run folder, there is none at"),
        ({"temperature": 0.0}, {}, "loss.temperature: expected a value greater than 0"),
        ({"weight": 1.5}, {}, "loss.weight: expected a value less than or equal to 1"),
        ({"loss": "auc_margin"}, {}, "loss.loss: 'auc_margin' compares the rows of a batch"),
        ({"loss": "ldam"}, {"head": "cosine"}, "loss: the teacher must be moved to .*, and with loss distill that is not known"),
        ({"loss": "rce"}, {}, "loss.loss: 'rce' compares the rows of a batch"),
        ({}, {"mixer": "remix"}, "with mixer remix that is not known"),
        ({"teacher": "single"}, {"split": {"seed": 5}}, "loss.teacher: the teacher .*single trained on .* test rows"),
    ],
)  # fmt: skip
def test_a_recipe_that_cannot_work_is_refused(project, loss, more, message):
    loss = {"teacher": "folds"} | loss
    with pytest.raises(RecipeError, match=message):
        check_teachers(prepare(recipe(project, distill(project, loss.pop("teacher"), **loss), **more)))


def test_a_teacher_of_its_own_is_not_for_the_loss_of_the_labels(project):
    with pytest.raises(RecipeError, match=r"loss.loss: 'distill' has a teacher of its own"):
        prepare(recipe(project, distill(project, loss=distill(project))))


def test_a_sampler_has_no_teacher(project):
    samplers = [{"name": "loss_rank", "drop": 4, "which": "highest", "warm_start": False, "loss": distill(project)}]
    with pytest.raises(RecipeError, match=r"samplers\[0\].loss: 'distill' can train the network"):
        check_teachers(prepare(recipe(project, samplers=samplers)))


def test_a_teacher_that_is_not_finished_or_has_other_classes_is_refused(project, tmp_path):
    shutil.copytree(project / "single", tmp_path / "single")
    facts = json.loads((tmp_path / "single" / "run.json").read_text())
    (tmp_path / "single" / "run.json").write_text(json.dumps(facts | {"classes": ["common", "odd"]}))
    prepared = prepare(recipe(project, distill(tmp_path, "single")))
    with pytest.raises(RecipeError, match="tells other classes apart: expected common, rare, it has common, odd"):
        check_teachers(prepared)
    (tmp_path / "single" / "metrics.json").unlink()
    with pytest.raises(RecipeError, match="is not finished"):
        check_teachers(prepared)


def test_a_plan_shows_what_leaks(project):
    (note,) = check_teachers(prepare(recipe(project, distill(project), split=FOLDS | {"fold": 0})))
    assert "whose metrics may therefore be too good" in note
    assert check_teachers(prepare(recipe(project, distill(project), split=FOLDS))) == []  # each fold has its own


def test_overlap_that_is_allowed_is_noted(project, tmp_path):
    loss = distill(project, "single", allow_overlap=True)
    folder = run(recipe(project, loss, split={"seed": 5}), options=RunOptions(folder=tmp_path / "s"))
    assert any(
        "test rows of this run, whose metrics may therefore be too good" in note for note in metrics_of(folder)["notes"]
    )


def test_without_a_teacher_there_is_nothing(project):
    prepared = prepare(recipe(project))
    check_teachers(prepared)
    assert Teaching().at(prepared, [])(prepared.recipe.loss, prepared.recipe.order, None) is None
