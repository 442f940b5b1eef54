"""What a mistake's text says: what was expected and what the recipe has, for every type of error that a recipe can make."""

import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.recipe.document import parse
from imbalkit.recipe.validation import validate


@pytest.mark.parametrize(
    "line, message",
    [
        ("seed: true", "seed: expected a whole number, got true (true or false)"),
        ("seed: -1", "seed: expected a value greater than or equal to 0, got -1"),
        ("positive: [1]", "positive: expected text, got [1] (a list)"),
        ("images: {resize: strech}", "images.resize: expected 'stretch', 'crop' or 'pad', got 'strech'"),
        ("images: {bits: 99}", "images.bits: expected a value less than or equal to 16, got 99"),
        ("images: {render_cache_gib: .inf}", "images.render_cache_gib: expected a finite number, got .inf"),
        ("images: {size: [1, 2, 3]}", "images.size: expected a side or [height, width], got [1, 2, 3]"),
        ("split: {seed: 1.5}", "split.seed: expected a whole number, got 1.5 (a number)"),
        ("split: {validation: '0.2'}", "split.validation: expected a number, got '0.2' (text)"),
        ("split: {group: 1}", "split.group: expected true or false, got 1 (a whole number)"),
        ("samplers: {a: b}", "samplers: expected a list, got {'a': 'b'} (a mapping)"),
        ("logging: 4", "logging: expected a mapping, got 4 (a whole number)"),
        ("head: {dropout: 1}", "head.dropout: expected a value less than 1, got 1"),
        ("training: {optimizer: {lr: 0}}", "training.optimizer.lr: expected a value greater than 0, got 0"),
        ("training: {optimizer: {options: x}}", "training.optimizer.options: expected a mapping, got 'x' (text)"),
        ("training: {devices: none}", "training.devices: expected a whole number or 'auto', got 'none' (text)"),
        ("training: {devices: 0}", "training.devices: expected 1 or more devices, got 0"),
        (
            "training: {early_stopping: {patience: 0, foo: 3}}",
            "training.early_stopping.patience: expected a value greater than or equal to 1, got 0",
        ),
        ("decision: {prior: {}}", "decision.prior: expected 1 or more entries, got {}"),
        ("metrics: 3", "metrics: expected a list, got 3 (a whole number)"),
        ("samplers: [{name: loss_rank}]", "samplers[0].which: this key is required and missing"),
        ("card: {users: null, source: 4}", "card.source: expected text, got 4 (a whole number)"),
    ],
)
def test_each_type_of_error(line, message):
    with pytest.raises(RecipeError) as caught:
        validate(parse(f"data: digits\n{line}\n", "recipe.yaml"), default_catalogue())
    assert f"recipe.yaml:2: {message}" in [str(problem) for problem in caught.value.problems]
