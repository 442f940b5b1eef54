"""The space of a search: what it is read as, what it draws, and what is wrong with it."""

from __future__ import annotations

import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.recipe.document import parse
from imbalkit.studies.search.file import is_search, read_search
from imbalkit.studies.search.read_space import read_space
from imbalkit.studies.search.space import Choices, Range, matches, variants
from imbalkit.studies.search.study import draw, quiet

NESTED = """\
space:
  training.optimizer.lr: {low: 0.0005, high: 0.02, log: true}
  loss: {choices: {plain: ce, focal: {name: focal, gamma: {low: 0.5, high: 4}}}}
  backbone.width: {choices: [8, 16]}
  method:
    choices:
      none: {}
      margins: {head: cosine, training.freeze_epochs: {low: 0, high: 2}}
"""


def space_of(text):
    return read_space(parse(text, "search.yaml"))


def test_every_range_and_choice_has_a_name_a_place_and_a_key():
    nodes = {node.name: node for node in space_of(NESTED).nodes}
    assert list(nodes) == [
        "training.optimizer.lr",
        "loss",
        "loss.focal.gamma",
        "backbone.width",
        "method",
        "method.margins.training.freeze_epochs",
    ]
    assert nodes["loss.focal.gamma"].target == ("loss", "gamma")
    assert nodes["loss.focal.gamma"].place == ("space", "loss", "choices", "focal", "gamma")
    assert nodes["method.margins.training.freeze_epochs"].target == ("training", "freeze_epochs")
    assert isinstance(nodes["backbone.width"], Choices)
    assert list(nodes["backbone.width"].options) == ["8", "16"]


def test_picks_become_overrides_of_the_recipe():
    picks = {
        "training.optimizer.lr": 0.001,
        "loss": "focal",
        "loss.focal.gamma": 2.5,
        "backbone.width": "16",
        "method": "margins",
        "method.margins.training.freeze_epochs": 1,
    }
    assert space_of(NESTED).overrides(picks) == {
        "training.optimizer.lr": 0.001,
        "loss": {"name": "focal", "gamma": 2.5},
        "backbone.width": 16,
        "head": "cosine",
        "training.freeze_epochs": 1,
    }


def test_variants_have_every_choice_and_every_bound():
    for node in space_of(NESTED).nodes:
        tried = [
            picks[node.name]
            for entry in space_of(NESTED).entries
            for picks in variants(entry.node)
            if node.name in picks
        ]
        wanted = {node.settings.low, node.settings.high} if isinstance(node, Range) else set(node.options)
        assert set(tried) == wanted


def test_a_resolved_value_is_found_in_the_space():
    loss = space_of(NESTED).entries[1].node
    assert list(matches(loss, {"name": "ce"})) == [{"loss": "plain"}]
    assert list(matches(loss, {"name": "focal", "gamma": 2.0, "alpha": None})) == [
        {"loss": "focal", "loss.focal.gamma": 2.0}
    ]
    assert not list(matches(loss, {"name": "focal", "gamma": 9.0, "alpha": None}))
    stepped = space_of("space: {training.epochs: {low: 10, high: 30, step: 5}}").entries[0].node
    assert [20 in stepped, 21 in stepped, True in stepped, 35 in stepped] == [True, False, False, False]


def test_draws_have_the_bounds_and_kinds_of_the_recipe(checked):
    import optuna

    found, ready = checked()
    with quiet():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        drawn = [draw(study.ask(), found, ready) for _ in range(60)]
    assert {picks["training.batch_size"] for picks in drawn} == {32, 64, 96, 128}
    assert all(isinstance(picks["training.batch_size"], int) for picks in drawn)
    assert all(0.0005 <= picks["training.optimizer.lr"] <= 0.05 for picks in drawn)
    assert {picks["loss"] for picks in drawn} == {"plain", "focal"}
    assert all(("loss.focal.gamma" in picks) == (picks["loss"] == "focal") for picks in drawn)
    rates = [picks["training.optimizer.lr"] for picks in drawn]
    assert 0.2 < sum(rate < 0.005 for rate in rates) / len(rates) < 0.8  # evenly over the logarithm


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (
            "loss: ce",
            r"yaml:2: space.loss: expected \{low, high\} or \{choices\}, got \"ce\": one value alone goes into `set`",
        ),
        ("training.optimizer.lr: {low: 2, high: 1}", r"space.training.optimizer.lr: expected low < high, got 2 and 1"),
        ("training.optimizer.lr: {low: 0, high: 1, log: true}", "expected low > 0 with `log: true`, got 0"),
        ("training.epochs: {low: 1, high: 9, log: true, step: 2}", "expected `log` or `step`, got both"),
        ("training.epochs: {low: 1, high: 9, step: 3}", "expected high - low to be a multiple of step 3, got 8"),
        ("training.optimizer.lr: {low: 1, hihg: 2}", "hihg: unknown key; did you mean 'high'"),
        ("loss: {choices: [ce]}", "expected two choices or more"),
        ("loss: {choices: [ce, ce]}", "expected choices that differ, got one twice"),
        ("loss: {choices: [ce, focal], low: 1}", "expected two choices|low"),
        ("losses: {choices: [ce, focal]}", "'losses' is no key of a recipe; a name of your own takes choices by name"),
        ("mine: {choices: {a: {losss: ce}, b: {}}}", "'losss' is no key of a recipe"),
        (
            "training.optimizer.lr: {low: 1, high: 2}\n  training.optimizer: {choices: {a: {lr: 1}, b: {lr: 2}}}",
            "sets training.optimizer, and training.optimizer.lr sets training.optimizer.lr",
        ),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(space, message):
    with pytest.raises(RecipeError, match=message):
        space_of(f"space:\n  {space}\n")


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (
            "{metric: [roc_auc, miss_rate], prune: median}",
            "prune: median ends trials that fall behind in one metric, and with 2",
        ),
        ("{metric: [roc_auc, roc_auc]}", "expected one metric, or several that differ"),
        ("{metric: roc_auc, sampler: grid}", "search.sampler"),
        ("{metric: roc_auc, trails: 3}", "search.trails: unknown key; did you mean 'trials'"),
        ("{metric: roc_auc, fresh_seeds: 1}", "search.fresh_seeds: expected a value greater than or equal to 3"),
    ],
)
def test_settings_that_contradict_are_refused(write, search, message):
    with pytest.raises(RecipeError, match=message):
        read_search(write(search=search), default_catalogue())


def test_several_metrics_are_not_pruned_and_one_is(write):
    catalogue = default_catalogue()
    assert read_search(write(search="{metric: [roc_auc, miss_rate]}"), catalogue).search.pruner == "none"
    assert read_search(write(), catalogue).search.pruner == "median"


@pytest.mark.parametrize("key", ["seed", "data.imbalance", "split.validation", "evaluation.test", "decision.threshold"])
def test_what_must_not_be_searched_is_refused(write, key):
    with pytest.raises(RecipeError, match=rf"space.{key}: sets {key}"):
        read_search(write(f"space:\n  {key}: {{choices: [1, 2]}}\n"), default_catalogue())


def test_axes_and_search_exclude_each_other(write):
    with pytest.raises(RecipeError, match="expected `axes` .* or `search` with `space` .*, got both"):
        is_search(write(more="axes: {loss: [ce]}\n"), default_catalogue())
    assert is_search(write(), default_catalogue())
