import json

import torch
from imbalkit_mine import Mine

from imbalkit.testing import Setting, check_part


def test_it_keeps_the_rules_of_its_kind():
    check_part(Mine)
    check_part(Mine(input="uint8"), setting=Setting(classes=("a", "b", "c"), counts=(9, 5, 3), channels=1))


def test_the_file_says_what_it_is(recipe_run):
    extra = {"card.json": ""}
    torch.export.load(recipe_run / "model.pt2", extra_files=extra)
    assert json.loads(extra["card.json"])["classes"] == [str(digit) for digit in range(10)]
