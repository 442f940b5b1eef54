"""The recipes under examples/: each is ready to run, those of stages run, and the docs list them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import imbalkit
from imbalkit.recipe.prepare import prepare

TOP = Path(__file__).parents[1]
EXAMPLES = TOP / "examples"
STAGES = sorted((EXAMPLES / "stages").glob("*.yaml"))


@pytest.mark.parametrize("file", [EXAMPLES / "digits.yaml", *STAGES], ids=lambda file: file.stem)
def test_a_recipe_is_ready_to_run(file):
    assert prepare(file, runtime=True).recipe.description


def test_the_docs_list_them():
    page = (TOP / "docs" / "methods.md").read_text(encoding="utf-8")
    absent = [file.name for file in STAGES if f"| `examples/stages/{file.name}` |" not in page]
    assert STAGES
    assert not absent


@pytest.mark.slow
@pytest.mark.usefixtures("no_charts")
def test_stages_run_and_share_the_training_before_them(tmp_path):
    logs = {}
    for file in STAGES:
        folder = tmp_path / file.stem
        imbalkit.run(
            file, overrides=["training.epochs=2", "evaluation.resamples=0"], folder=folder, rounds=tmp_path / "rounds"
        )
        logs[file.stem] = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    mains = {name: [entry["loss"] for entry in log if entry["stage"] == "final"] for name, log in logs.items()}
    assert len({tuple(losses) for losses in mains.values()}) == 2
    assert mains.pop("mislas") != mains["ce"]
    assert all(losses == mains["ce"] for losses in mains.values())
    after = {name: {entry["stage"] for entry in log} - {"final"} for name, log in logs.items()}
    assert after.pop("ce") == set()
    assert all(len(stages) == 1 for stages in after.values()), after
