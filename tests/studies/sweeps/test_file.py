"""Sweep files: what cells they make, and what is refused."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.recipe.document import read_document
from imbalkit.studies.sweeps.file import SweepSettings, make_cells, read_launcher, read_sweep

GRID = """\
base: digits
set: {training.epochs: 2, split: {folds: 3}}
axes:
  model:
    small: {backbone: {name: small_cnn, width: 8}}
    "large (16)": {backbone: {name: small_cnn, width: 16}, training.batch_size: 16}
  loss: [ce, {name: focal, gamma: 2}]
folds: all
seeds: [4, 5]
"""


def read(tmp_path, text):
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    return read_sweep(file, default_catalogue())


def test_a_grid_is_every_combination_fold_and_seed(tmp_path):
    found = read(tmp_path, GRID)
    assert len(found.cells) == 2 * 2 * 3 * 2
    assert [cell.id for cell in found.cells[:3]] == [
        "small--ce--fold-0--seed-4", "small--ce--fold-0--seed-5", "small--ce--fold-1--seed-4",
    ]  # fmt: skip
    last = found.cells[-1]
    assert last.id == "large-16--focal--fold-2--seed-5"
    assert last.labels == {"model": "large (16)", "loss": "focal"}
    assert {cell.group for cell in found.cells} == {"small--ce", "small--focal", "large-16--ce", "large-16--focal"}
    data = read_document("digits", default_catalogue().recipes, last.overrides).data
    assert data["backbone"] == {"name": "small_cnn", "width": 16}
    assert data["loss"] == {"name": "focal", "gamma": 2}
    assert (data["training"]["epochs"], data["training"]["batch_size"]) == (2, 16)
    assert (data["split"], data["seed"]) == ({"folds": 3, "fold": 2}, 5)


def test_no_axes_and_no_seeds_is_the_base_recipe_once(tmp_path):
    (cell,) = read(tmp_path, "base: digits").cells
    assert (cell.id, cell.labels, cell.seed, cell.fold, cell.group) == ("seed-0", {}, 0, None, "base")


def test_a_base_is_found_beside_the_sweep_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("base: digits\nseed: 3\n")
    assert read(tmp_path, "base: mine.yaml").base == str(tmp_path / "mine.yaml")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text("ab: {}[]'\"\\#é", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=values)
def test_any_value_reaches_the_recipe_as_it_is(value):
    settings = SweepSettings.model_validate({"base": "digits", "set": {"description": value}}, context={})
    (cell,) = make_cells(settings)
    overrides = [override for override in cell.overrides if not override.startswith("seed=")]
    assert read_document("digits", default_catalogue().recipes, overrides).data["description"] == value


@given(st.lists(st.integers(1, 3), max_size=3), st.integers(1, 3), st.integers(0, 3))
def test_there_are_as_many_cells_as_combinations(sizes, seeds, folds):
    axes = {f"axis{number}": {f"v{i}": {} for i in range(size)} for number, size in enumerate(sizes)}
    settings = SweepSettings.model_validate({"base": "digits", "axes": axes, "seeds": list(range(seeds))}, context={})
    cells = make_cells(settings, list(range(folds)) or None)
    expected = seeds * max(1, folds)
    for size in sizes:
        expected *= size
    assert len({cell.id for cell in cells}) == len(cells) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("axes: {}", "base: this key is required"),
        ("base: digits\nseed: 1", "seed: unknown key; did you mean 'seeds'"),
        ("base: digits\nseeds: []", "seeds"),
        ("base: digits\naxes: {loss: []}", "axis 'loss' has no values"),
        ("base: digits\naxes: {recipe: {a: {loss: ce}}}", "an axis cannot be called 'recipe'"),
        ("base: digits\naxes: {seed: [0, 1]}", "write seeds beside axes"),
        ("base: digits\nfolds: all", "grid.yaml:2: folds: needs a number of folds"),
        ("base: digits\nset: {split.folds: 3}\nfolds: [3]", "grid.yaml:3: folds: expected folds from 0 to 2, got [3]"),
        ("base: digits\naxes: {loss: {A b: {}, a-B: {}}}", "same folder name 'a-b--seed-0'"),
        ("base: digits\nlauncher: {name: local, jobs: 0}", "grid.yaml:2: launcher.jobs"),
        ("base: digits\ntables: {a/b: {}}", "expected a name that can be a file's"),
        ("base: digits\nset: {seed: 5}", "set: 'seed' is set by `seeds` for every cell: write `seeds` beside axes"),
        ("base: digits\naxes: {a: {b: {seed: 5}}}", "axes.a: 'seed' is set by `seeds` for every cell"),
        ("base: digits\nset: {split.folds: 3, split.fold: 1}\nfolds: all", "set: 'split.fold' is set by `folds`"),
        (
            "base: digits\naxes: {loss.gamma: [1, 2], loss: [ce, focal]}",
            "axes.loss.gamma: 'loss.gamma' has no effect, as the axis 'loss'",
        ),
        (
            "base: digits\naxes: {a: {b: {loss: ce}}, c: {d: {}, e: {loss: focal}}}",
            "axes.a: 'loss' has no effect, as the axis 'c'",
        ),
        (
            "base: digits\nset: {loss.gamma: 2}\naxes: {loss: [ce, focal]}",
            "set: 'loss.gamma' has no effect, as the axis 'loss'",
        ),
        ("base: digits\ntables: {a: {of: validation, at: one_half}}", None),  # refused with the cells
        ("base: digits\nset: {loss: ce}\naxes: {loss: [ce, focal]}", None),
        ("base: digits\nset: {split.fold: 1}", None),
        ("base: digits\naxes: {loss: [focal], loss.gamma: [1, 2]}", None),
        ("base: digits\nset: {loss.gamma: 2}\naxes: {a: {b: {}, c: {loss: ce}}}", None),
        ("base: digitz", None),
    ],
)
def test_mistakes_are_refused_with_their_place(tmp_path, text, message):
    if message is None:  # the base is read when the cells are checked
        assert read(tmp_path, text).base in ("digits", "digitz")
        return
    with pytest.raises(RecipeError, match=re.escape(message)):
        read(tmp_path, text)


def test_a_missing_file_names_the_registered_sweeps():
    with pytest.raises(RecipeError, match="there is no sweep file 'gird.yaml'"):
        read_sweep("gird.yaml", default_catalogue())


def test_bundled_sweep_files_are_yaml():
    for path in default_catalogue().sweeps.values():
        assert yaml.safe_load(Path(path).read_text())["base"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("locl", "did you mean 'local'"),
        ("{name: local, jobs: 0}", "launcher"),
        ("{name: local", "--launcher"),
    ],
)
def test_a_launcher_of_the_command_line_is_checked(text, message):
    with pytest.raises(RecipeError, match=message):
        read_launcher(text, default_catalogue())
    assert read_launcher("{name: local, jobs: 3}", default_catalogue()).jobs == 3
