"""What a recipe spells is what counts where it names a class; numbers are bounded; anything else is a message with its line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import imbalkit
from imbalkit.base.yaml_text import Dumper, one_line
from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.recipe.document import parse, read_document
from imbalkit.recipe.validation import validate
from tests.command_line import imbalkit as command

pytestmark = pytest.mark.usefixtures("no_charts")

SPELLINGS = [
    "01",
    "1.0",
    "1e3",
    "0x10",
    "0o17",
    "+5",
    "007",
    ".5",
    "1.",
    "-0",
    "1_000",
    "1:30",
    "yes",
    "no",
    "2019-01-01",
]


@pytest.fixture
def table(tmp_path):
    """A function: a recipe over a table with two classes of the names given."""

    def write(first, second):
        labels = [first] * 12 + [second] * 24
        frame = pd.DataFrame({"path": [f"{i}.png" for i in range(36)], "label": labels})
        frame.to_csv(tmp_path / "t.csv", index=False)
        return "data: {name: table, file: t.csv, check_files: false}\n"

    return write


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_class_is_called_what_the_recipe_spells(name, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = table(name, "other") + (
        f"positive: {name}\n"
        f"samplers: [{{name: oversample, views: {{{name}: [[horizontal_flip]]}}}}]\n"
        f"decision: {{prior: {{{name}: 0.1}}, threshold: {{name: cost, costs: {{{name}: {{other: 5}}}}}}}}\n"
        f"loss: {{name: gamma_rce, costs: {{{name}: 4}}}}\n"
    )
    (tmp_path / "r.yaml").write_text(text)
    prepared = imbalkit.prepare("r.yaml")
    assert prepared.recipe.positive == name
    assert list(prepared.recipe.samplers[0].views) == [name]
    assert imbalkit.prepare("r.yaml", [f"positive={name}"]).recipe.positive == name
    # What a run keeps of the recipe is read back as the same recipe.
    again = validate(parse(prepared.recipe.to_yaml(), "again.yaml"), prepared.catalogue, prepared.classes)
    assert again == prepared.recipe
    assert again.hash == prepared.recipe.hash


def test_labels_and_their_names(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table("01", "02")
    (tmp_path / "r.yaml").write_text(
        "data:\n  name: table\n  file: t.csv\n  check_files: false\n  labels: {01: 1.50, 02: 1e3}\npositive: 1e3\n"
    )
    assert imbalkit.prepare("r.yaml").classes == ("1.50", "1e3")


def test_true_and_false_as_classes(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(table("true", "false") + "positive: true\n")
    assert imbalkit.prepare("r.yaml").recipe.positive == "true"


def test_numbers_stay_numbers():
    text = "data: digits\nseed: 010\ntraining: {epochs: 0x10, optimizer: {lr: 1e-3}}\nsplit: {validation: .25}\n"
    recipe = validate(parse(text, "r.yaml"), default_catalogue())
    assert (recipe.seed, recipe.training.epochs, recipe.training.optimizer.lr) == (10, 16, 0.001)
    assert type(recipe.seed) is int
    plain = "data: digits\nseed: 10\ntraining: {epochs: 16, optimizer: {lr: 0.001}}\nsplit: {validation: 0.25}\n"
    assert recipe.hash == validate(parse(plain, "r.yaml"), default_catalogue()).hash


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0x" + "f" * 6000, "r.yaml:1: seed: expected a whole number of at most 9,223,372,036,854,775,807, got 0xff"),
        ("9" * 6000, "whole number of at most"),
        ("9223372036854775808", "whole number of at most"),
        ("-" + "9" * 25, "whole number of at most"),
        ("0o" + "7" * 500, "whole number of at most"),
        ("!!int ''", "r.yaml:1: seed: expected a whole number, got ''"),
        ("!!int 1:30", "expected a whole number, got '1:30'"),
        ("!!bool maybe", "'maybe' cannot be read"),
        ("!!float x", "'x' cannot be read"),
        ("!!timestamp 2001-13-45", "cannot be read"),
        ("!!binary x", "cannot be read"),
    ],
)
def test_scalars_that_are_none(value, message):
    with pytest.raises(RecipeError, match=message):
        parse(f"seed: {value}", "r.yaml")


@given(st.text(st.sampled_from("0123456789.eE+-xob_:~!&*%@`'\"#,[]{}|> \n\tnulltrueyNaTZ"), max_size=12))
def test_any_text_is_a_value_or_a_message(text):
    """Fuzz of the reader: a RecipeError or plain data that survive a round trip, never another exception."""
    try:
        data = parse(f"seed: {text}", "r.yaml").data
    except RecipeError:
        return
    try:
        validate(parse(f"data: digits\nseed: {text}", "r.yaml"), default_catalogue())
    except RecipeError as error:
        assert "Traceback" not in str(error)
    again = parse(yaml.dump(data, Dumper=Dumper, allow_unicode=True), "r.yaml").data
    assert again == data or data != data or "nan" in repr(data)


@given(
    st.recursive(st.text() | st.integers(-(2**62), 2**62) | st.booleans() | st.none(), lambda inner: st.lists(inner))
)
def test_one_line_is_one_line_and_reads_back(value):
    line = one_line(value)
    assert len(line.splitlines()) <= 1
    assert parse(f"value: {line}", "r.yaml").data["value"] == value


# --- recipes as mappings ---


def test_a_mapping_is_taken_as_a_file_would_be(tmp_path):
    recipe = {
        "data": {"name": "digits", "imbalance": np.float64(20)},
        "training": {"epochs": np.int64(1)},
        "samplers": (),
    }
    (tmp_path / "r.yaml").write_text("data: {name: digits, imbalance: 20.0}\ntraining: {epochs: 1}\nsamplers: []\n")
    from_python, from_file = imbalkit.prepare(recipe), imbalkit.prepare(tmp_path / "r.yaml")
    assert from_python.recipe == from_file.recipe
    assert from_python.name == "recipe"
    assert imbalkit.prepare(recipe, ["seed=4"]).recipe.seed == 4
    assert imbalkit.prepare({"base": tmp_path / "r.yaml", "seed": 5}).recipe.seed == 5
    assert imbalkit.prepare({"base": "digits", "loss": "focal"}).recipe.loss.name == "focal"
    assert recipe["training"] == {"epochs": 1}  # what was given stays as it is


def test_a_run_of_a_mapping(tmp_path):
    recipe = {"base": "digits", "training": {"epochs": 1, "accelerator": "cpu"}, "backbone": {"width": 4}}
    run = imbalkit.run(recipe, folder=tmp_path / "run")
    assert run.facts["name"] == "recipe"
    assert "roc_auc" in run.metrics["test"]
    done = command("run", tmp_path / "run" / "recipe.yaml", "--folder", tmp_path / "run", "--resume", cwd=tmp_path)
    assert "finished already" in done.stderr


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"data": "digits", "sed": 1}, "sed: unknown key; did you mean 'seed'"),
        ({"data": "digits", "seed": object()}, "seed: expected text, a number, a list or a mapping, got object"),
        ({"data": "digits", "seed": np.zeros(3)}, "seed: expected text, a number, a list or a mapping, got ndarray"),
        ({}, "data: this key is required and missing"),
        ({"base": 3}, "base: expected the name or file of a recipe, got 3"),
        ([], r"expected a recipe: a file, a registered name, or a mapping; got \[\] \(list\)"),
        (None, r"got None \(NoneType\)"),
        (7, r"got 7 \(int\)"),
    ],
)
def test_mappings_that_are_no_recipe(recipe, message):
    with pytest.raises(RecipeError, match=message):
        imbalkit.prepare(recipe)


def test_run_json_names_the_variables_of_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", str(tmp_path / "cache"))
    recipe = {"base": "digits", "training": {"epochs": 1}, "images": {"cache": "${PLACE}/x"}, "description": "${PLACE}"}
    run = imbalkit.run(recipe, ["training.accelerator=cpu", "backbone.width=4"], folder=tmp_path / "run")
    assert run.facts["variables"] == ["PLACE"]
    kept = read_document(tmp_path / "run" / "recipe.yaml", {}).data
    assert kept["images"]["cache"] == str(tmp_path / "cache" / "x")
    assert kept["description"] == "${PLACE}"
    assert json.loads((tmp_path / "run" / "run.json").read_text())["name"] == "recipe"
