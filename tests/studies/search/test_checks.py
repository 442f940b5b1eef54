"""A search is checked against its recipe before anything starts."""

from __future__ import annotations

import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.studies.search.checks import check_search, higher_is_better
from imbalkit.studies.search.file import read_search


def test_the_base_recipe_has_a_place_in_the_space(checked):
    _, ready = checked()
    assert ready.base_picks == {"training.optimizer.lr": 0.003, "loss": "plain", "training.batch_size": 64}
    assert ready.maximised == (False,)
    assert ready.whole == {"training.batch_size"}


def test_a_range_of_a_real_number_is_real_though_its_bounds_are_whole(checked):
    _, ready = checked("space:\n  loss: {choices: [ce, {name: focal, gamma: {low: 1, high: 4}}]}\n")
    assert not ready.whole


def test_every_mistake_is_listed_with_its_place(checked):
    space = """\
space:
  training.optimizer.lr: {low: 0, high: 0.02}
  loss: {choices: {plain: ce, focal: {name: focal, gamma: {low: -1, high: 4}}, wrong: focl}}
  training.freeze_epochs: {low: 0, high: 9}
  backbone.width: {choices: [16, 32]}
"""
    with pytest.raises(RecipeError) as refused:
        checked(space, search="{metric: false_alarm_rat, at: target_recall}")
    text = str(refused.value)
    for line in (
        "digits_search.yaml:3: search.metric: there is no metric 'false_alarm_rat'; did you mean 'false_alarm_rate'",
        "digits_search.yaml:5: space.training.optimizer.lr.low: expected a value greater than 0, got 0",
        "digits_search.yaml:6: space.loss.choices.focal.gamma.low: expected a value greater than or equal to 0, got -1",
        "digits_search.yaml:6: space.loss.choices.wrong: loss: ",
        "digits_search.yaml:7: space.training.freeze_epochs.high: is more than training.epochs, 4",
        "digits_search.yaml:8: space.backbone.width: the base recipe has backbone.width 8, which is not in the space: add it",
    ):
        assert line in text


def test_choices_that_are_right_alone_and_wrong_together_are_found(checked):
    space = "space:\n  head: {choices: [linear, cosine]}\n  loss: {choices: {a: ce, b: ldam}}\n"
    with pytest.raises(RecipeError, match="space.loss.choices.b: loss: 'ldam' adds margins to cosines"):
        checked(space)
    space = "space:\n  training.epochs: {low: 2, high: 4}\n  training.freeze_epochs: {low: 0, high: 3}\n"
    message = "freeze_epochs.high: together with training.epochs 2: .*is more than training.epochs, 2; make one choice of both"
    with pytest.raises(RecipeError, match=message):
        checked(space)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("{metric: recall}", "it has a value for each class, name one: recall_0, recall_1"),
        ("{metric: roc_auc, at: target_reca}", "search.at: .*did you mean 'target_recall'"),
    ],
)
def test_metrics_that_are_none_are_refused(checked, search, message):
    with pytest.raises(RecipeError, match=message):
        checked(search=search)


def test_a_metric_that_these_data_do_not_define_is_refused(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text("base: digits\nsearch: {metric: miss_rate}\nspace: {loss: {choices: [ce, focal]}}\n")
    with pytest.raises(RecipeError, match="miss_rate is not defined for these data: it needs a `positive` class"):
        check_search(read_search(path, default_catalogue()), default_catalogue())


@pytest.mark.parametrize(
    ("name", "higher"),
    [
        ("predictive_values_ppv", True),
        ("predictive_values_number_needed at 0.02", False),
        ("recall_9", True),
        ("miss_rate", False),
        ("roc_auc", True),
    ],
)
def test_each_value_of_a_metric_has_a_direction(name, higher):
    assert higher_is_better(name, default_catalogue()) == higher


def test_a_recipe_without_test_rows_is_refused_as_the_winner_is_tested(tmp_path):
    path = tmp_path / "untested.yaml"
    path.write_text(
        "base: digits\nset: {evaluation.test: false}\nsearch: {metric: roc_auc}\nspace: {loss: {choices: [ce, focal]}}\n"
    )
    with pytest.raises(RecipeError, match="the winner is tested once with each fresh seed; add evaluation.test: true"):
        check_search(read_search(path, default_catalogue()), default_catalogue())


def test_a_recipe_that_runs_all_folds_is_refused(tmp_path):
    path = tmp_path / "folds.yaml"
    path.write_text(
        "base: digits\nset: {split: {folds: 3}}\nsearch: {metric: roc_auc}\nspace: {loss: {choices: [ce, focal]}}\n"
    )
    with pytest.raises(RecipeError, match="the base recipe runs all folds, and a trial is one run: add split.fold"):
        check_search(read_search(path, default_catalogue()), default_catalogue())
