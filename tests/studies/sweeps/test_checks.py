"""What a sweep file gets wrong, found before any cell runs."""

import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.errors import RecipeError
from imbalkit.studies.sweeps.checks import check_cells
from imbalkit.studies.sweeps.file import read_sweep


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "axes: {loss: [focal, {name: focal, gamma: 2.0}]}",
            "is the recipe of the cell focal--seed-0 once more: its values make no difference to it (axes: loss)",
        ),
        (
            "tables: {a: {metrics: [acuracy]}}",
            "tables.a.metrics: there is no metric 'acuracy'; did you mean 'accuracy'?",
        ),
        ("tables: {a: {metrics: [recall_rar]}}", "there is no metric 'recall_rar'; did you mean 'recall_rare'?"),
        ("tables: {a: {minimum: {recal: 0.5}}}", "tables.a.minimum: there is no metric 'recal'"),
        ("set: {split.folds: 2}", "split: runs all folds, and a cell is one run: add `folds: all` to the sweep file"),
        ("axes: {threshold: {a: {}}}", "axes.threshold: cannot be called 'threshold', as a column of results is"),
        ("axes: {recall_rare: {a: {}}}", "axes.recall_rare: cannot be called 'recall_rare'"),
        ("set: {evaluation.test: false}\ntables: {a: {of: test}}", "tables.a: expected `of: validation`"),
        ("set: {evaluation.test: false}\ntables: {a: {at: one_half}}", "tables.a: expected `at: chosen`"),
    ],
)
def test_what_would_be_found_after_the_cells_is_found_before(folder, text, message, monkeypatch):
    (folder / "grid.yaml").write_text(f"base: base.yaml\n{text}\n")
    catalogue = default_catalogue()
    monkeypatch.chdir(folder)
    with pytest.raises(RecipeError) as caught:
        check_cells(read_sweep("grid.yaml", catalogue), catalogue, runtime=False)
    assert message in str(caught.value)
