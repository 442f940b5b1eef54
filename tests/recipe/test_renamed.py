"""Names of an earlier version are refused with the present ones: in recipes, --set, sweeps, and finished runs."""

import json
import shutil

import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.engine.resume import saved_recipe
from imbalkit.errors import RecipeError, RenamedError
from imbalkit.recipe.document import parse
from imbalkit.recipe.prepare import prepare, prepare_document
from imbalkit.report.rewrite import report_again
from imbalkit.runs.restore import restore
from imbalkit.studies.sweeps.checks import check_cells
from imbalkit.studies.sweeps.file import read_sweep

OLD = """\
data: digits
images:
  resize: squash
  keep_copies: 2
training:
  accumulate: 2
  select: last
  clip: 1
  early_stopping: {minimum: 0.1}
evaluation: {smallest: 3}
loss: {name: focal, delta: 1}
samplers:
  - {name: loss_rank, drop: 5, which: highest, between_rounds: reset}
  - {name: random_drop, drop: 5, between_rounds: keep}
  - {name: oversample, views: {"9": [[{name: turn, degrees: 90}]]}}
"""
PRESENT = {
    "images.resize": "recipe.yaml:3: images.resize: renamed to `resize: stretch`",
    "images.keep_copies": "recipe.yaml:4: images.keep_copies: renamed to `render_cache_gib`",
    "training.accumulate": "recipe.yaml:6: training.accumulate: renamed to `micro_batches`",
    "training.select": "recipe.yaml:7: training.select: renamed to `monitor`",
    "training.clip": "recipe.yaml:8: training.clip: renamed to `gradient_clip_norm`",
    "training.early_stopping.minimum": "recipe.yaml:9: training.early_stopping.minimum: renamed to `min_delta`",
    "evaluation.smallest": "recipe.yaml:10: evaluation.smallest: renamed to `min_subgroup_rows`",
    "loss.delta": "recipe.yaml:11: loss.delta: renamed to `gamma`",
    "samplers[0].between_rounds": "recipe.yaml:13: samplers[0].between_rounds: renamed to `warm_start: false`",
    "samplers[1].between_rounds": "recipe.yaml:14: samplers[1].between_rounds: renamed to `warm_start: true`",
    "samplers[2].views.9[0][0]": "recipe.yaml:15: samplers[2].views.9[0][0]: op 'turn' is renamed to 'rotate90'",
}
ONE = r"training.accumulate: renamed to `micro_batches`"


def test_a_recipe_of_an_earlier_version():
    with pytest.raises(RecipeError) as caught:
        prepare_document(parse(OLD, "recipe.yaml"), default_catalogue())
    assert {problem.where: str(problem) for problem in caught.value.problems} == PRESENT


def test_an_override_and_a_sweep_of_an_earlier_version(tmp_path):
    with pytest.raises(RecipeError, match=rf"--set training.accumulate=4: {ONE}"):
        prepare("digits", ["training.accumulate=4"])
    file = tmp_path / "sweep.yaml"
    file.write_text("base: digits\naxes: {training.accumulate: [1, 2]}\n")
    catalogue = default_catalogue()
    with pytest.raises(RecipeError, match=rf"cell 1--seed-0: {ONE}"):
        check_cells(read_sweep(str(file), catalogue), catalogue, runtime=False)


def test_a_finished_run_of_an_earlier_version(finished_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished_run, folder)
    recipe = folder / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("micro_batches:", "accumulate:"))
    line = 1 + recipe.read_text().splitlines().index("  accumulate: 1")
    message = rf"recipe.yaml has names of an earlier version.*\n  recipe.yaml:{line}: {ONE}$"
    for read in (restore, report_again, lambda folder: saved_recipe(folder, default_catalogue())):
        with pytest.raises(RenamedError, match=message):
            read(folder)
    assert json.loads((folder / "metrics.json").read_text()) == json.loads((finished_run / "metrics.json").read_text())
