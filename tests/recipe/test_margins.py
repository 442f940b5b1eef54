"""A loss that adds margins to cosines is taken under a normalised head alone, wherever the recipe has it."""

from __future__ import annotations

import pytest

from imbalkit.errors import RecipeError
from imbalkit.recipe.prepare import prepare

DIGITS = {"data": {"name": "digits", "imbalance": 20}, "split": {"column": "split"}}
RANK = {"name": "loss_rank", "drop": 5, "which": "highest", "warm_start": False, "epochs": 1, "loss": "ldam"}


@pytest.mark.parametrize(
    "recipe, place",
    [
        ({"loss": "ldam"}, "loss"),
        ({"loss": {"name": "ldam", "beta": 0.99}, "head": {"dropout": 0.1}}, "loss"),
        ({"deferred": {"loss": "ldam"}}, "deferred.loss"),
        ({"samplers": [RANK]}, "samplers[0].loss"),
        ({"stages": [{"name": "retrain", "loss": "ldam"}]}, "stages[0].loss"),
        ({"head": "cosine", "stages": [{"name": "retrain", "loss": "ldam", "head": "linear"}]}, "stages[0].loss"),
    ],
)
def test_another_head_is_refused(recipe, place):
    with pytest.raises(RecipeError) as caught:
        prepare(DIGITS | recipe)
    assert (
        f"{place}: 'ldam' adds margins to cosines, and logits of the head 'linear' are none: take `head: cosine`"
        in str(caught.value)
    )


@pytest.mark.parametrize(
    "recipe",
    [
        {"loss": "ldam", "head": "cosine"},
        {"head": {"name": "cosine", "scale": 10}, "deferred": {"loss": "ldam"}, "samplers": [RANK]},
        {"stages": [{"name": "retrain", "loss": "ldam", "head": "cosine"}]},
        {"head": "cosine", "stages": [{"name": "retrain", "loss": "ldam", "head": "kept"}]},
    ],
)
def test_a_normalised_head_is_taken(recipe):
    prepare(DIGITS | recipe)
