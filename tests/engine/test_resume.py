"""`--resume`: goes on with the same recipe and the same data, and says what is not the same."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imbalkit.builtin.launchers import Local
from tests.command_line import imbalkit
from tests.in_process import InProcess

pytestmark = pytest.mark.usefixtures("no_charts")

RECIPE = """\
data: {name: table, file: photos/labels.csv, group_column: patient, split_column: null}
positive: rare
images: {size: 8}
split: {validation: 0.25, test: 0.25}
backbone: {name: small_cnn, width: 4}
training: {epochs: 1, batch_size: 16, threads: 1}
evaluation: {resamples: 0}
"""


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A project with an unfinished run in `runs/r-...`; its folder is not to be changed."""
    home = tmp_path_factory.mktemp("begun")
    random = np.random.default_rng(0)
    rows = []
    for index in range(40):
        path = home / "photos" / f"{index:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(path)
        rows.append((path.name, "rare" if index % 4 == 0 else "common", f"P{index:02}"))
    pd.DataFrame(rows, columns=["path", "label", "patient"]).to_csv(home / "photos" / "labels.csv", index=False)
    (home / "r.yaml").write_text(RECIPE)
    imbalkit("run", "r.yaml", cwd=home)
    (run,) = (home / "runs").iterdir()
    (run / "metrics.json").unlink()
    return home


@pytest.fixture
def project(begun, tmp_path):
    return shutil.copytree(begun, tmp_path / "project")


def resume(project, *arguments, check=True):
    return imbalkit("run", "r.yaml", "--resume", *arguments, cwd=project, check=check)


def the_run(project):
    (run,) = (project / "runs").iterdir()
    return run


def table(project, change):
    path = project / "photos" / "labels.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)


def set_cell(row, column, value):
    def change(frame):
        frame.loc[row, column] = value
        return frame

    return change


def other_picture(project, name="07.png"):
    path = project / "photos" / name
    size = path.stat().st_size
    pixels = np.asarray(Image.open(path)).copy()
    for value in range(255):  # another picture of the same number of bytes
        pixels[0, 0] = value
        Image.fromarray(pixels).save(path)
        if path.stat().st_size == size:
            return


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop(3), r"1 row is missing \(\S*03.png\)"),
        (lambda frame: frame.drop([3, 5]), r"2 rows are missing \(such as \S*03.png\)"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), r"1 row is new \(\S*00.png\)"),
        (set_cell(1, "label", "rare"), r"1 label has changed \(\S*01.png: common, now rare\)"),
        (set_cell(1, "patient", "P02"), r"1 group has changed \(\S*01.png: P01, now P02\)"),
        (lambda frame: frame.iloc[::-1], "the rows are in another order"),
        (lambda frame: frame.replace("common", "nevus"), r"30 labels have changed .*the classes were common, rare and are nevus"),
    ],
)  # fmt: skip
def test_other_rows_are_refused_and_said(project, change, message):
    table(project, change)
    refused = resume(project, check=False)
    assert refused.returncode == 1
    assert "changed since it began" in refused.stderr
    assert pd.Series([" ".join(refused.stderr.split())]).str.contains(message).all(), refused.stderr
    assert "Put them back as they were, or start anew" in " ".join(refused.stderr.split())
    assert not (the_run(project) / "metrics.json").exists()


def test_another_side_of_the_split_is_refused(project):
    table(project, lambda frame: frame.drop(3))
    assert "in another split" in resume(project, check=False).stderr


def test_other_bytes_under_the_same_name_are_refused(project):
    other_picture(project)
    refused = resume(project, check=False)
    assert refused.returncode == 1
    assert "1 file has other content (" in refused.stderr
    assert "07.png" in refused.stderr


def test_touched_and_moved_data_go_on(project):
    for file in (project / "photos").iterdir():
        file.touch()
    shutil.move(project / "photos", project / "pictures")
    result = resume(project, "--set", "data.file=pictures/labels.csv")
    assert "goes on with data.file: photos/labels.csv -> pictures/labels.csv" in result.stderr
    run = the_run(project)
    assert (run / "metrics.json").exists()
    assert "file: pictures/labels.csv" in (run / "recipe.yaml").read_text()
    assert "is finished already" in resume(project, "--set", "data.file=pictures/labels.csv").stderr


def test_moved_data_that_are_not_the_same_are_another_recipe(project):
    table(project, lambda frame: frame.drop(3))
    shutil.move(project / "photos", project / "pictures")
    run = the_run(project)
    refused = resume(project, "--set", "data.file=pictures/labels.csv", "--folder", run, check=False)
    assert "data.file: photos/labels.csv -> pictures/labels.csv" in refused.stderr


def test_with_nothing_to_resume_the_nearest_run_is_named_with_what_differs(project):
    result = resume(project, "--set", "training.epochs=2", "--set", "seed=3")
    said = " ".join(result.stderr.split())
    assert (
        f"nothing to resume: no run of r below runs has this recipe; the nearest, runs/{the_run_name(project)}" in said
    )
    assert "(unfinished), differs in seed: 0 -> 3, training.epochs: 1 -> 2; a new run starts" in said
    assert len(list((project / "runs").iterdir())) == 2


def the_run_name(project):
    return min(path.name for path in (project / "runs").iterdir())


def test_with_no_run_at_all_that_is_said(project):
    said = resume(project, "--runs", "elsewhere").stderr
    assert "nothing to resume: there is no run of r below elsewhere; a new one starts" in said


def test_a_folder_of_another_recipe_is_refused_with_what_differs(project):
    refused = resume(project, "--folder", the_run(project), "--set", "loss=inverse_ce", check=False)
    assert refused.returncode == 1
    assert "begun with another recipe (loss: ce -> inverse_ce)" in refused.stderr


def test_what_changes_no_figure_may_change(project):
    said = resume(project, "--set", "images.render_cache_gib=0.5", "--set", "card.contact=me@example.org").stderr
    assert "goes on with images.render_cache_gib: 0.0 -> 0.5" in said
    assert "me@example.org" in (the_run(project) / "recipe.yaml").read_text()


def test_what_is_read_after_the_training_may_change_in_an_unfinished_run(project):
    changed = ("--folder", the_run(project), "--set", "evaluation={resamples: 100, level: 0.9, subgroups: []}")
    refused = resume(project, *changed, "--set", "evaluation.test=false", check=False)
    assert "begun with another recipe (evaluation.test: " in refused.stderr
    assert "goes on with evaluation." in resume(project, *changed).stderr
    assert "level: 0.9" in (the_run(project) / "recipe.yaml").read_text()
    assert json.loads((the_run(project) / "metrics.json").read_text())["intervals"]
    finished = resume(project, "--folder", the_run(project), "--set", "evaluation.resamples=200", check=False)
    assert "begun with another recipe (evaluation." in finished.stderr


def test_a_finished_run_says_so_and_whether_its_data_have_changed(project):
    assert "is finished already" not in resume(project).stderr
    assert "is finished already\n" in resume(project).stderr
    table(project, set_cell(1, "label", "rare"))
    said = resume(project).stderr
    assert "is finished already; its data have changed since: 1 label has changed (" in said


def test_half_written_files_are_one_sentence(project):
    run = the_run(project)
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(recipe[:200] + "{")
    assert "could not be read: it is written anew" in resume(project).stderr
    assert (run / "recipe.yaml").read_text() == recipe

    (run / "metrics.json").unlink()
    facts = (run / "run.json").read_text()
    (run / "run.json").write_text(facts[:100])
    refused = resume(project, "--folder", run, check=False)
    assert refused.returncode == 1
    assert "run.json cannot be read" in refused.stderr
    passed_over = resume(project).stderr
    assert "run.json cannot be read: that run is passed over" in passed_over
    assert len(list((project / "runs").iterdir())) == 2


def test_a_folder_that_a_kill_left_before_the_run_was_open_is_used(project):
    (project / "mine").mkdir()
    (project / "mine" / "recipe.yaml").write_text("data:")
    resume(project, "--folder", "mine")
    assert (project / "mine" / "metrics.json").exists()


def test_a_run_of_an_older_version_goes_on_and_says_what_is_not_known(project):
    (the_run(project) / "data.parquet").unlink()
    assert "kept no record of its data" in resume(project).stderr


def test_a_key_that_is_new_in_this_version_is_no_other_recipe(project):
    run = the_run(project)
    text = (run / "recipe.yaml").read_text()
    assert "  gradient_clip_norm: null\n" in text
    (run / "recipe.yaml").write_text(text.replace("  gradient_clip_norm: null\n", ""))
    facts = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(facts | {"recipe_hash": "of an older version"}))
    assert "nothing to resume" not in resume(project).stderr
    assert (run / "metrics.json").exists()


@pytest.mark.slow
def test_folds_share_one_record(project, monkeypatch):
    said = []

    def run(work):
        done = imbalkit(*work.command[3:], cwd=project, check=False)
        said.append(done.stderr)
        return done.returncode

    monkeypatch.setattr(Local, "open", lambda self, folder, pieces: InProcess(run))
    folds = ["--folder", "cv", "--set", "split.folds=2", "--set", "evaluation.resamples=0"]
    resume(project, *folds)
    (project / "cv" / "metrics.json").unlink()
    shutil.rmtree(project / "cv" / "fold-1")
    picture = (project / "photos" / "07.png").read_bytes()
    other_picture(project)
    assert "fold-1 of cv failed (ended with exit code 1)" in resume(project, *folds, check=False).stderr
    assert "the data of cv have changed since it began: 1 file has other content (" in said[-1]
    (project / "photos" / "07.png").write_bytes(picture)
    before = (project / "photos" / "labels.csv").read_text()
    table(project, lambda frame: frame.drop(3))
    assert (
        "the data of cv have changed since it began: 1 row is missing (" in resume(project, *folds, check=False).stderr
    )
    (project / "photos" / "labels.csv").write_text(before)
    resume(project, *folds)
    assert len(pd.read_parquet(project / "cv" / "predictions.parquet")) == 40


def test_images_deleted_between_plan_and_run_are_one_sentence(project):
    imbalkit("plan", "r.yaml", cwd=project)
    (project / "photos" / "07.png").unlink()
    refused = resume(project, check=False)
    assert refused.returncode == 1
    assert "1 of 40 image files are not there" in refused.stderr
    assert "photos/07.png" in refused.stderr
    skipped = resume(project, "--set", "data.check_files=false", "--set", "images.on_bad_image=skip").stderr
    assert "nothing to resume" in skipped  # on_bad_image is another recipe
    assert "there is no such file" in skipped


def test_a_run_folder_that_cannot_be_written_is_one_sentence(project, monkeypatch):
    def refuse(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    for module in ("run_folder", "resume"):
        monkeypatch.setattr(f"imbalkit.engine.{module}.write_json", refuse)
    refused = imbalkit("run", "r.yaml", cwd=project, check=False)
    assert refused.returncode == 1
    assert "cannot be written: [Errno 13] Permission denied" in refused.stderr
    moved = imbalkit("run", "r.yaml", "--resume", "--set", "card.contact=me", cwd=project, check=False)
    assert moved.returncode == 1
    assert "cannot be written: [Errno 13] Permission denied" in moved.stderr


def test_a_record_that_cannot_be_written_is_one_sentence(project, monkeypatch):
    def refuse(*arguments, **more):
        raise OSError(30, "Read-only file system")

    (the_run(project) / "data.parquet").unlink()
    monkeypatch.setattr("imbalkit.runs.data_record.write_parquet", refuse)
    refused = resume(project, check=False)
    assert refused.returncode == 1
    assert "Read-only file system" in refused.stderr
