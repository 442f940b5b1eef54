"""What `imbalkit plan` says of the class prior, as a table and as JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from imbalkit.cli.main import root

UNBLURRED = "samplers=[random_over]"


def plan(*overrides: str, json_too: bool = False) -> str:
    arguments = [word for override in overrides for word in ("--set", override)]
    result = CliRunner().invoke(root, ["plan", "digits", *arguments, *(["--json"] if json_too else [])])
    assert result.exit_code == 0, result.output
    return result.output


def cells(output: str, stage: str) -> list[str]:
    line = next(line for line in output.splitlines() if line.startswith(f"│ {stage} "))
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_the_ledger_of_two_classes():
    output = plan("data.minority=8", UNBLURRED, "loss={name: weighted_ce, weights: {8: 2}}", "split.column=null")
    train = [int(cell.replace(",", "")) for cell in cells(output[: output.index("class prior")], "train")[1:3]]
    share = cells(output[output.index("class prior") :], "share in the data")
    assert [float(cell) for cell in share[1:3]] == pytest.approx([n / sum(train) for n in train], rel=1e-3)
    over = cells(output[output.index("class prior") :], "samplers[0] random_over")
    assert over[1] == "x 1"
    assert float(over[2][2:]) == pytest.approx(train[0] / train[1], rel=1e-3)
    assert over[3:] == ["yes", "copies rows at random within a class"]
    assert cells(output, "loss weighted_ce")[1:4] == ["x 1", "x 2", "yes"]
    last = cells(output, "share in training")
    assert [float(cell) for cell in last[1:3]] == pytest.approx([1 / 3, 2 / 3], rel=1e-3)
    assert last[4] == "restored exactly with decision.prior: data"
    assert (
        "note: 8: samplers[0] random_over and loss weighted_ce correct the same imbalance twice, past balance" in output
    )
    assert "balance ratio: 8 / the other." in output


def test_what_is_not_known_is_a_question_mark():
    output = plan("data.minority=8", UNBLURRED, "loss=rce", "split.column=null")
    assert cells(output, "loss rce")[1:4] == ["?", "?", "no"]
    assert cells(output, "share in training")[1:] == [
        "?",
        "?",
        "",
        "restored by a fit on validation with decision.prior: data",
    ]


def test_many_classes_are_the_smallest_and_the_largest():
    output = plan(UNBLURRED, "loss=ce", "positive=8")
    head = output[output.index("class prior") :].splitlines()[2]
    assert [cell.strip() for cell in head.strip("┃").split("┃")] == ["stage", "smallest", "largest", "exact", "why"]
    assert cells(output[output.index("class prior") :], "samplers[0] random_over")[1:3] == ["x 1", "x 52"]
    assert "balance ratio: smallest / largest class." in output  # also where one class of many is positive


def test_nothing_shifts():
    output = plan("data.minority=8", "samplers=[]", "loss=ce", "split.column=null")
    assert "class prior: the model learns that of the data" in output
    assert "share in training" not in output


def test_json():
    facts = json.loads(plan("data.minority=8", UNBLURRED, "loss=ce", "split.column=null", json_too=True))["prior"]
    assert facts["effective"] == pytest.approx({"rest": 0.5, "8": 0.5})
    assert (facts["exact"], facts["shifted"], facts["warnings"]) == (True, True, [])
    assert [entry["stage"] for entry in facts["entries"]] == ["samplers[0] random_over", "loss ce"]
