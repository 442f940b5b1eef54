"""Renamed keys, values and parts are refused with the present name, among the other mistakes."""

import subprocess
import sys
import types
from typing import ClassVar

import pytest
from pydantic import ValidationError

from imbalkit import hookimpl
from imbalkit.builtin.samplers import LossRank
from imbalkit.builtin.scores.loss import LossScore
from imbalkit.catalogue import Catalogue, Provider
from imbalkit.errors import PluginError
from imbalkit.kinds import Op, OpRef, Settings, param


class Rounds(Settings):
    """Settings whose keys had other names."""

    warm_start: bool = param(help="go on with the weights of the round before")
    resize: str = param("stretch", help="resize rule")
    rows: int = param(1, help="rows", ge=1)

    renamed: ClassVar = {
        "amount": "rows",
        "between_rounds": "warm_start",
        "between_rounds: keep": "warm_start: true",
        "between_rounds: reset": "warm_start: false",
        "resize: squash": "resize: stretch",
    }


@pytest.mark.parametrize(
    "data, messages",
    [
        ({"warm_start": True, "amount": 3}, {"amount": "renamed to `rows`"}),
        ({"between_rounds": "keep"}, {"between_rounds": "renamed to `warm_start: true`"}),
        ({"between_rounds": "reset"}, {"between_rounds": "renamed to `warm_start: false`"}),
        ({"between_rounds": 4}, {"between_rounds": "renamed to `warm_start`"}),
        ({"warm_start": True, "resize": "squash"}, {"resize": "renamed to `resize: stretch`"}),
        (
            {"amount": 3, "resize": "squash", "rowz": 3, "rows": 0},
            {
                "amount": "renamed to `rows`",
                "resize": "renamed to `resize: stretch`",
                "rowz": "unknown key; did you mean 'rows'? (known: warm_start, resize, rows)",
                "rows": "Input should be greater than or equal to 1",
                "warm_start": "Field required",
            },
        ),
    ],
)
def test_renamed_keys_and_values(data, messages):
    with pytest.raises(ValidationError) as caught:
        Rounds.model_validate(data)
    assert {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()} == messages


def test_the_present_names_are_accepted():
    assert Rounds(warm_start=False, resize="pad", rows=2).rows == 2


def test_a_renamed_part():
    class Rotate(Op):
        """Rotates."""

        name = "rotate90"
        former_names = ("turn",)

    plugin = types.ModuleType("third_parties")
    plugin.register_ops = hookimpl(lambda: [Rotate])
    catalogue = Catalogue([(plugin, Provider("third_parties", "third_parties", "1"))])

    class View(Settings):
        """One operation."""

        op: OpRef

    with pytest.raises(ValidationError, match="op 'turn' is renamed to 'rotate90'"):
        View.model_validate({"op": {"name": "turn"}}, context={"catalogue": catalogue})
    with pytest.raises(PluginError, match="op 'turn' is renamed to 'rotate90'"):
        catalogue.get("op", "turn")
    assert View.model_validate({"op": "rotate90"}, context={"catalogue": catalogue}).op == Rotate()


def test_a_bare_name_outside_a_recipe_is_looked_up_in_what_is_installed():
    assert LossRank(which="highest", drop=1, warm_start=True).score == LossScore()
    with pytest.raises(ValidationError, match="there is no score 'los'; did you mean 'loss'"):
        LossRank(which="highest", drop=1, warm_start=True, score="los")


def test_parameters_import_no_catalogue():
    code = "import sys, imbalkit.base.parameters; print([name for name in sys.modules if name.startswith('imbalkit.')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "imbalkit.catalogue" not in found
    assert "imbalkit.kinds" not in found


def test_a_default_must_fit_its_own_bounds():
    class Odd(Settings):
        gamma: float = param(-1.0, ge=0, help="")

    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        Odd()
    assert Odd(gamma=1.0).gamma == 1.0
