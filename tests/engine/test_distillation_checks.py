"""Which teachers are refused, and what `imbalkit plan` says of them."""

from __future__ import annotations

import json
import shutil

import pytest

from imbalkit.engine.options import RunOptions
from imbalkit.engine.run import run
from imbalkit.engine.teaching import Teaching, check_teachers
from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare
from tests.engine.taught_runs import FOLDS, distill, metrics_of, recipe

pytestmark = pytest.mark.usefixtures("no_charts")


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


def test_a_teacher_of_images_that_are_not_square_is_not_turned(project, tmp_path):
    shutil.copytree(project / "single", tmp_path / "single")
    facts = json.loads((tmp_path / "single" / "run.json").read_text())
    (tmp_path / "single" / "run.json").write_text(json.dumps(facts | {"image_shape": [16, 24, 3]}))
    with pytest.raises(
        RecipeError, match=r"loss.teacher: .*single takes images of 16 x 24 px: dihedral turns them by a quarter"
    ):
        check_teachers(prepare(recipe(project, distill(tmp_path, "single", views="dihedral"))))


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
    notes = check_teachers(prepare(recipe(project, distill(project), split=FOLDS)))
    assert [text.partition(": ")[0] for text in notes] == ["fold 0", "fold 1", "fold 2"]
    assert notes[0] == f"fold 0: {note}"


@pytest.mark.parametrize(
    ("teacher", "more", "message"),
    [
        ("single", {}, r"fold 1: the teacher .*single trained on \d+ of the \d+ test rows"),
        ("folds", {"members": "same_split"}, "fold 3: no member of .*folds trained without"),
    ],
)
def test_a_plan_of_all_folds_refuses_what_one_of_them_would(project, teacher, more, message):
    with pytest.raises(RecipeError, match=message):
        check_teachers(prepare(recipe(project, distill(project, teacher, **more), split=FOLDS | {"folds": 5})))


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
