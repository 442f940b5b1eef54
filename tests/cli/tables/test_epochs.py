"""What `imbalkit plan` says of the epochs: rows, classes, order, mixer and loss, as a table and as JSON."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from imbalkit.base.randomness import generator
from imbalkit.cli.main import root
from imbalkit.recipe.epochs import epochs_of
from imbalkit.recipe.prepare import prepare

TITLE = "what an epoch visits"
EIGHTS = ("data.minority=8", "samplers=[]", "training.epochs=20")


def plan(*overrides: str, json_too: bool = False) -> str:
    arguments = [word for override in (*EIGHTS, *overrides) for word in ("--set", override)]
    result = CliRunner().invoke(root, ["plan", "digits", *arguments, *(["--json"] if json_too else [])])
    assert result.exit_code == 0, result.output
    return result.output


def rows_of(output: str) -> list[list[str]]:
    table = output[output.index(TITLE) :].split("└")[0].splitlines()
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in table if line.startswith("│")]


@pytest.mark.parametrize("overrides", [(), ("order=stratified",), ("stages=[tau_normalisation]",)])
def test_a_recipe_whose_epochs_all_visit_each_row_once_has_no_table(overrides):
    assert TITLE not in plan(*overrides)


def test_an_order_shows_the_expected_rows_of_each_class():
    rows = rows_of(plan("order=balanced"))
    assert rows == [["1 to 20", "balanced", "ce", "506", "506", "1,013"]]
    longer = rows_of(plan("order={name: balanced, length: all}"))
    assert longer == [["1 to 20", "balanced (length all)", "ce", "993", "993", "1,986"]]


def test_a_deferral_shows_the_epoch_from_which_it_holds():
    rows = rows_of(plan("deferred={loss: class_balanced, order: {name: power, q: 0.25}}"))
    assert [row[:3] for row in rows] == [
        ["1 to 16", "natural", "ce"],
        ["17 to 20, deferred", "power (q 0.25)", "class_balanced"],
    ]
    assert rows[0][3:] == ["993", "20", "1,013"]
    share = 993**0.25 / (993**0.25 + 20**0.25)
    assert rows[1][3:] == [f"{1013 * share:.0f}", f"{1013 * (1 - share):.0f}", "1,013"]


def test_a_loss_with_other_parameters_is_told_apart_from_the_one_before():
    rows = rows_of(plan("head=cosine", "loss=ldam", "deferred={loss: {name: ldam, beta: 0.9999}}"))
    assert [row[2] for row in rows] == ["ldam", "ldam (beta 0.9999)"]


def test_a_mixer_is_shown_for_the_epochs_in_which_it_is_on():
    output = plan("mixer=cmo", "order=progressive")
    rows = rows_of(output)
    assert [row[:3] for row in rows] == [
        ["1 to 3", "progressive", "none"],
        ["4 to 17", "progressive", "cmo (order balanced)"],
        ["18 to 20", "progressive", "none"],
    ]
    assert (rows[0][4], rows[-1][-2]) == ("993 to 942", "455 to 506")
    assert "ranges go from the first to the last of these epochs" in output
    assert "mixer cmo (order balanced): partners are rows drawn in the order balanced" in output
    assert "mixer mixup: partners are rows of the same batch" in plan("mixer=mixup")


def test_stages_that_train_are_rows_of_their_own():
    output = plan("stages=[{name: retrain, epochs: 1}, tau_normalisation]")
    assert [row[:2] for row in rows_of(output) if row[0]] == [
        ["1 to 20", "natural"],
        ["stages[0] retrain: 1", "balanced"],
    ]
    assert "then stages[0] retrain: trains a new head on the frozen body for 1 epoch, order balanced, loss ce" in output
    assert "then stages[1] tau_normalisation: finds a head from the features of all rows" in output


def test_rows_that_a_sampler_picks_later_are_question_marks():
    drop = "samplers=[{name: loss_rank, drop: {rest: 100, '8': 2}, which: highest, warm_start: true}]"
    known = rows_of(plan(drop, "order=balanced"))
    assert known[0][-1] == "911"
    picked = plan("samplers=[{name: tomek_links, epochs: 1}]", "order=balanced")
    assert rows_of(picked)[0][-3:] == ["?", "?", "?"]
    assert "what is not known depends on rows that a sampler picks later" in picked


def test_many_classes_are_the_smallest_and_the_largest(tmp_path, monkeypatch):
    labels = np.concatenate([np.full(8 * (label + 2), label) for label in range(14)])
    np.savez(tmp_path / "t.npz", images=np.zeros((len(labels), 4, 4), dtype=np.uint8), labels=labels)
    (tmp_path / "recipe.yaml").write_text(f"data: {{name: arrays, file: {tmp_path / 't.npz'}}}\norder: balanced\n")
    output = CliRunner().invoke(root, ["plan", str(tmp_path / "recipe.yaml")], catch_exceptions=False).output
    (row,) = rows_of(output)
    assert row[3] == row[4]


def test_json_has_the_same_and_has_it_for_every_recipe():
    (plain,) = json.loads(plan(json_too=True))["epochs"]
    assert (plain["training"], plain["first_epoch"], plain["last_epoch"]) == ("training", 1, 20)
    assert (plain["order"]["name"], plain["mixer"], plain["visits"], plain["rows"]) == (
        "natural",
        None,
        [993, 20],
        1013,
    )
    found = json.loads(plan("deferred={order: progressive}", "mixer=mixup", "stages=[retrain]", json_too=True))[
        "epochs"
    ]
    assert [(each["training"], each["deferred"], each["mixer"] is not None) for each in found] == [
        ("training", False, True),
        ("training", True, True),
        ("stages[0] retrain", False, False),
    ]
    assert found[1]["visits_last_epoch"] == [506.5, 506.5]


def test_what_is_said_is_what_a_training_visits():
    prepared = prepare("digits", [*EIGHTS, "order=progressive", "deferred.order=balanced", "deferred.start=0.5"])
    source, draws = prepared.source_plan(), partial(generator, 0, "order")
    for each in epochs_of(prepared):
        assert each.visits is not None
        for epoch, said in zip((each.first - 1, each.last - 1), each.visits, strict=True):
            visited = each.order.rows(source, epoch, 20, draws)
            assert len(visited) == each.rows
            assert np.bincount(source.label[visited]) == pytest.approx(said, abs=1)


@pytest.mark.parametrize(
    ("train_head", "learner"), [("false", "trains a factor"), ("true", "trains the head and a factor")]
)
def test_learnt_factors_are_not_said_to_train_the_head(train_head, learner):
    output = plan(f"stages=[{{name: learnable_weight_scaling, train_head: {train_head}}}]")
    assert f"learnable_weight_scaling: {learner} for each class's logit on the frozen body for 10 epochs" in output
