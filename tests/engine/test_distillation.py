"""Whole runs with a teacher: who teaches which row, and at which class prior."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.engine.teaching import check_teachers
from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.data_prior import restored_to_data
from imbalkit.runs.restore import restore
from imbalkit.runs.results import RunData
from tests.engine.taught_runs import BASE, BIAS, FOLDS, distill, metrics_of, recipe, tables

pytestmark = pytest.mark.usefixtures("no_charts")


def log_sigmoid(x):
    return -np.log1p(np.exp(-np.array(x)))


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


@pytest.mark.parametrize("loss", ["inverse_ce", "rce", {"name": "ce", "label_smoothing": 0.2}])
def test_a_teacher_that_left_its_prior_as_trained_is_restored(project, tmp_path, loss):
    folder = run(recipe(project, loss), options=RunOptions(folder=tmp_path / "t"))
    restored = restore(folder)
    decision, prior = restored_to_data(RunData(folder), restored.recipe, restored.decision)
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


@pytest.mark.parametrize("views", ["flips", "none"])
def test_a_teacher_can_average_more_views_than_it_predicts_with(project, tmp_path, monkeypatch, views):
    found, options = tables(monkeypatch), RunOptions(folder=tmp_path / "s", rounds=tmp_path / "rounds")
    run(recipe(project, distill(project, "single", views=views)), options=options)
    ((_, plan, phase),) = found
    restored, paths = restore(project / "single"), pd.read_csv(project / "labels.csv")["path"]
    pixels = restored.open_images(paths.iloc[plan.source].tolist()).take(np.arange(len(plan)))
    orders = itertools.product((1, -1), repeat=2) if views == "flips" else [(1, 1)]
    logits = [restored.logits(np.ascontiguousarray(pixels[:, ::rows, ::columns])) for rows, columns in orders]
    expected = np.mean([softmax(each, axis=1) for each in logits], axis=0)
    np.testing.assert_allclose(np.exp(phase.teacher[plan.source]), expected, atol=1e-5)
    assert (np.abs(expected - softmax(logits[0], axis=1)).max() > 1e-4) == (views == "flips")


def test_views_are_part_of_what_runs_share(project, tmp_path, monkeypatch):
    found = tables(monkeypatch)
    for views in ("flips", "none"):
        options = RunOptions(folder=tmp_path / views, rounds=tmp_path / "rounds")
        run(recipe(project, distill(project, "single", views=views)), options=options)
    assert not np.allclose(found[0][2].teacher, found[1][2].teacher, atol=1e-4)
