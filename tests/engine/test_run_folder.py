"""Run folders that are opened for a run."""

from concurrent.futures import ThreadPoolExecutor

from imbalkit.engine.run_folder import open_folder
from imbalkit.recipe.prepare import prepare
from imbalkit.runs import folder as run_folder


def test_runs_begun_at_once_get_folders_of_their_own(tmp_path):
    prepared = [prepare("digits", [f"seed={seed}"]) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda one: open_folder(one, tmp_path / "runs", None, False), prepared))
    assert len(set(folders)) == 8
    for one, folder in zip(prepared, folders, strict=True):
        assert run_folder.read_json(folder / "run.json")["recipe_hash"] == one.recipe.hash
