"""Stages in a recipe: what is refused before anything runs, and what the network has learnt of the class prior after them."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.errors import RecipeError
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.prepare import prepare

DIGITS = {"data": {"name": "digits", "imbalance": 20}, "split": {"column": "split"}}
OURS = {"column": None, "validation": 0.2, "test": 0.2}  # a split whose parts have the same class shares
COSINE = {"name": "nearest_class_mean", "distance": "cosine"}


def ledger(*stages, **more):
    return prior_ledger(prepare(DIGITS | {"split": OURS, "stages": list(stages)} | more))


@pytest.mark.parametrize(
    "stages, more, message",
    [
        (["tau_normalisation"], {"head": "cosine"}, "needs a head of weights and bias, and meets the head 'cosine'"),
        ([COSINE, "learnable_weight_scaling"], {}, "meets the head 'cosine'"),
        (["retrain", "logistic_regression"], {}, "changes the head alone, and stages[1], 'logistic_regression', makes a new"),
        (["tau_normalisation", "retrain"], {}, "stages[0]: 'tau_normalisation' changes the head alone"),
        ([{"name": "retrain", "mixer": "mixup", "loss": "rce"}], {}, "leave out `mixer`, or take a loss that weighs each row"),
        ([{"name": "retrain", "mixer": {"name": "mixup", "last_epochs_off": 10}}], {}, "mixes in none of 10 epochs"),
        ([{"name": "retrain", "epochs": 0}], {}, "stages[0].epochs"),
        ([{"name": "retrain", "head": "newest"}], {}, "there is no head 'newest'"),
        ([{"name": "retrain", "head": 7}], {}, "expected `new`, `kept`, or a head; got 7"),
        ([{"name": "tau_normalisation", "tau": -1.0}], {}, "stages[0].tau"),
        (["smote"], {}, "needs more rows of a class than its 5 neighbours, 9 5: set neighbours to 4"),
        (["retrian"], {}, "there is no stage 'retrian'; did you mean 'retrain'?"),
        (["tau_normalisation"], {"split": OURS | {"validation": 0}}, "stages[0].tau: is chosen on validation rows"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(stages, more, message):
    with pytest.raises(RecipeError) as caught:
        prepare(DIGITS | {"stages": stages} | more)
    assert message in str(caught.value)


def test_augmentation_that_there_is_none_of_is_noted():
    retrain = {"name": "retrain", "augment": True}
    recipe = DIGITS | {"split": OURS, "stages": [retrain]}
    note = "stage retrain: `augment: true` changes nothing, as the recipe has no `augment`"
    assert note in prepare(recipe).notes
    assert note not in prepare(recipe | {"augment": ["trivial_augment"]}).notes
    assert note not in prepare(recipe | {"stages": [retrain | {"augment": False}]}).notes


def test_a_stage_whose_loss_has_a_warm_up_is_not_exact():
    vs = {"name": "vs", "gamma": 0.0}
    assert ledger({"name": "retrain", "loss": vs}).exact
    found = ledger({"name": "retrain", "loss": vs | {"warm_up": 0.2}})
    assert not found.exact
    assert "for the last 8 of 10 epochs" in found.entries[-1].shift.why


@pytest.mark.parametrize(
    "stages",
    [
        ["retrain", "tau_normalisation", "learnable_weight_scaling"],
        ["nearest_class_mean", {"name": "retrain", "head": "kept"}],
        [COSINE, {"name": "retrain", "head": "kept", "body": "trained"}],
        [{"name": "retrain", "batch_norm": "moving"}, "retrain"],
        [{"name": "retrain", "body": "trained", "head": "kept"}, "logistic_regression"],
        [{"name": "smote", "neighbours": 4}],
        [{"name": "retrain", "head": "cosine"}],
    ],
)
def test_what_can_work_is_taken(stages):
    prepare(DIGITS | {"stages": stages})


def test_the_head_in_the_end():
    first = {"name": "retrain", "head": "cosine", "batch_norm": "moving"}
    recipe = prepare(DIGITS | {"stages": [first, {"name": "retrain", "head": {"dropout": 0.5}}]}).recipe
    assert [head.name for head in recipe.heads] == ["linear", "cosine", "linear"]
    assert recipe.heads[-1].dropout == 0.5


class TestClassPrior:
    def test_a_new_head_on_balanced_draws_is_exact(self):
        found = ledger("retrain", loss="inverse_ce")
        assert [entry.stage for entry in found.entries] == ["stages[0] order balanced", "stages[0] loss ce"]
        assert found.exact
        np.testing.assert_allclose(found.effective, 0.1)

    def test_the_loss_of_the_stage_counts_and_not_that_of_the_training(self):
        found = ledger({"name": "retrain", "order": "natural", "loss": "inverse_ce"}, order="balanced")
        assert [entry.stage for entry in found.entries] == ["stages[0] loss inverse_ce"]
        assert found.exact
        np.testing.assert_allclose(found.effective, 0.1)

    @pytest.mark.parametrize("settings", [{"head": "kept"}, {"body": "trained"}, {"body": "trained", "head": "kept"}])
    def test_what_starts_from_before_may_not_arrive(self, settings):
        found = ledger({"name": "retrain", **settings})
        np.testing.assert_allclose(found.effective, 0.1)
        assert not found.exact
        assert "not whether it arrives" in found.entries[-1].shift.why

    @pytest.mark.parametrize("stage", ["tau_normalisation", "nearest_class_mean"])
    def test_rules_of_decision_are_no_factors(self, stage):
        found = ledger(stage)
        assert found.factors is None
        assert not found.exact

    @pytest.mark.parametrize("stage", ["learnable_weight_scaling", {"name": "smote", "neighbours": 3}])
    def test_what_heads_for_balance(self, stage):
        found = ledger(stage)
        np.testing.assert_allclose(found.effective, 0.1)
        assert not found.exact

    @pytest.mark.parametrize("correction", ["logit_adjusted", "balanced", "none"])
    def test_logistic_regression_is_exact(self, correction):
        found = ledger({"name": "logistic_regression", "correction": correction})
        assert found.exact
        np.testing.assert_allclose(found.effective, found.data if correction == "none" else 0.1)

    def test_the_last_stage_counts_with_what_samplers_did(self):
        found = ledger(
            "tau_normalisation", {"name": "learnable_weight_scaling", "order": "natural"}, samplers=["random_over"]
        )
        assert [entry.stage for entry in found.entries] == ["samplers[0] random_over", "stages[1] loss ce"]
        np.testing.assert_allclose(found.effective, 0.1, atol=1e-3)
