"""Runs in a notebook: started, loaded, looked at and asked."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import imbalkit
from imbalkit import Run
from imbalkit.errors import DataError, RunError


@pytest.fixture
def moved(finished_run, tmp_path):
    return shutil.copytree(finished_run, tmp_path / "moved")


# --- the folder ---------------------------------------------------------------------------------------------------------


def test_a_run_stands_for_its_folder(finished_run):
    run = Run.load(str(finished_run))
    assert isinstance(run, os.PathLike)
    assert Path(run) == finished_run
    assert run / "metrics.json" == finished_run / "metrics.json"
    assert os.path.join(run, "plan.parquet") == str(finished_run / "plan.parquet")
    assert f"{run}" == str(finished_run)
    assert repr(run) == f"Run({str(finished_run)!r})"
    assert run == Run.load(finished_run)
    assert pickle.loads(pickle.dumps(run)) == run


def test_what_is_in_the_folder_is_there(finished_run):
    run = Run.load(finished_run)
    assert run.metrics == json.loads((finished_run / "metrics.json").read_text())
    assert (run.name, run.classes, run.positive) == ("recipe", ("common", "rare"), "rare")
    pd.testing.assert_frame_equal(run.predictions, pd.read_parquet(finished_run / "predictions.parquet"))
    assert run.folds == ()
    assert run.report.parent == finished_run


def test_running_a_recipe_gives_a_run(tmp_path):
    quick = ["training.epochs=1", "training.threads=1", "training.accelerator=cpu", "backbone.width=4"]
    run = imbalkit.run("digits", quick, folder=tmp_path / "run")
    assert isinstance(run, Run)
    assert run == Run.load(tmp_path / "run")
    assert run.metrics["test"]["n"] > 0
    again = imbalkit.run("digits", quick, folder=tmp_path / "run", resume=True)
    assert again == run


@pytest.mark.parametrize(
    ("take_away", "message"),
    [
        ("run.json", "moved is not a run folder: expected recipe.yaml and run.json in it"),
        ("metrics.json", "is not finished .* go on with `imbalkit run .*--resume`"),
    ],
)
def test_what_is_no_finished_run_is_refused(moved, take_away, message):
    (moved / take_away).unlink()
    with pytest.raises(RunError, match=message):
        Run.load(moved)
    assert "RunError" not in Run(moved)._repr_html_()  # a notebook shows why, and goes on
    assert take_away in Run(moved)._repr_html_()


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RunError, match="expected a run folder, there is none at .*nowhere"):
        Run.load(tmp_path / "nowhere")


def test_predictions_that_were_not_kept_are_said_to_be_gone(moved):
    (moved / "predictions.parquet").unlink()
    with pytest.raises(RunError, match=r"predictions\.parquet cannot be read: it is not there"):
        _ = Run.load(moved).predictions


def test_a_run_stays_where_it_is_when_the_notebook_goes_elsewhere(moved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run("moved")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert run.metrics["test"]["n"] == len(run.predictions[run.predictions["split"] == "test"])
    assert run.report == moved / "report.html"
    with pytest.raises(RunError, match="expected a run folder, there is none at .*nowhere"):
        _ = Run("nowhere").metrics


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: imbalkit.run("digits", "training.epochs=1"),
            "overrides: expected a list such as ['training.epochs=5'], got",
        ),
        (lambda: imbalkit.prepare("digits", {"training.epochs": 1}), "overrides: expected a list such as"),
        (
            lambda: imbalkit.run("digits", without="melanoma"),
            "without: expected a list such as ['plugin-name'], got a text",
        ),
        (lambda: imbalkit.run("digits", 3), "overrides: expected a list such as ['training.epochs=5'], got int"),
        (lambda: imbalkit.compare("runs/a"), "runs: expected a list such as ['runs/seed-0'], got a text: 'runs/a'"),
        (lambda: imbalkit.compare(["a", "b"], metrics="roc_auc"), "metrics: expected a list such as ['roc_auc'], got"),
        (
            lambda: imbalkit.ensemble(Path("runs/a"), "b"),
            "runs: expected a list such as ['runs/seed-0'], got PosixPath",
        ),
    ],
)
def test_one_word_in_place_of_a_list_is_refused(call, message):
    with pytest.raises(RunError) as caught:
        call()
    assert message in str(caught.value)


# --- predicting ---------------------------------------------------------------------------------------------------------


def test_files_are_predicted_as_the_run_did(finished_run, monkeypatch):
    monkeypatch.chdir(finished_run.parent)
    run = Run.load("run")
    expected = run.predictions[run.predictions["split"] == "test"].reset_index(drop=True)
    found = run.predict(expected["path"].tolist())
    columns = ["path", "decision", "abstained", "probability_common", "probability_rare", "error"]
    assert list(found) == columns
    np.testing.assert_allclose(found["probability_rare"], expected["probability_rare"], atol=1e-5, rtol=0)
    assert found["decision"].tolist() == expected["decision"].tolist()


def test_images_may_be_named_in_many_ways(finished_run, monkeypatch):
    monkeypatch.chdir(finished_run.parent)
    run = Run.load("run")
    rare = run.predict("photographs/rare")
    assert len(rare) == 30
    for images in (
        Path("photographs/rare"),
        ["photographs/rare"],
        "photographs/rare/*.png",
        pd.DataFrame(rare[["path"]]),
    ):
        assert run.predict(images)["probability_rare"].tolist() == pytest.approx(
            rare["probability_rare"].tolist(), abs=1e-5
        )
    table = run.predict("photographs/labels.csv")
    assert table["site"].isin(["north", "south"]).all()


def test_pixels_are_predicted(finished_run, photographs):
    run = Run.load(finished_run)
    path = photographs / "rare/000.png"
    pixels = np.array(Image.open(path))[None]
    from_file, from_pixels = run.predict(path), run.predict(pixels)
    assert from_pixels["probability_rare"][0] == pytest.approx(from_file["probability_rare"][0], abs=1e-5)


@pytest.mark.parametrize(
    "images, message",
    [
        ([np.zeros((8, 8), np.uint8)] * 2, "got a list of arrays: pass numpy.stack(images)"),
        (torch.zeros(2, 3, 8, 8), "got a tensor: pass images.permute(0, 2, 3, 1).numpy()"),
        (None, "got NoneType"),
        ({"path": ["a.png"]}, "got dict"),
        ([1, 2], "got a list with int"),
    ],
)
def test_what_is_neither_names_nor_pixels_is_refused(finished_run, images, message):
    with pytest.raises(DataError) as caught:
        Run(finished_run).predict(images)
    assert message in str(caught.value)


def test_the_network_is_restored_once(finished_run, photographs, monkeypatch):
    run = Run.load(finished_run)
    restored, restore = [], Run.restore
    monkeypatch.setattr(Run, "restore", lambda self, device=None: restored.append(device) or restore(self, device))
    for _ in range(2):
        run.predict(photographs / "rare/000.png", batch_size=3)
    assert restored == [None]
    run.predict(photographs / "rare/000.png", device="cpu")
    assert restored == [None, "cpu"]


# --- looking ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["roc", "precision_recall", "confusion", "learning", "rates"])
def test_figures_are_drawn(finished_run, name):
    run = Run.load(finished_run)
    assert name in run.figures
    figure = run.figure(name)
    assert isinstance(figure, matplotlib.figure.Figure)
    assert any(axes.has_data() for axes in figure.axes)
    assert figure._repr_png_().startswith(b"\x89PNG")  # what a notebook shows
    pickle.dumps(figure)


def test_every_name_draws_or_says_why(finished_run):
    run = Run.load(finished_run)
    for name in run.figures:
        try:
            assert run.figure(name).axes
        except RunError as error:
            assert str(error)


def test_the_roc_figure_has_the_area_of_the_run(finished_run):
    run = Run.load(finished_run)
    (axes,) = run.figure("roc").axes
    curve = max((line.get_xydata() for line in axes.lines), key=len)
    assert np.trapezoid(curve[:, 1], curve[:, 0]) == pytest.approx(run.metrics["test"]["roc_auc"])


def test_an_unknown_figure_is_refused(finished_run):
    with pytest.raises(RunError, match="no figure 'rok'; did you mean 'roc'"):
        Run.load(finished_run).figure("rok")


def test_a_notebook_shows_the_headline(moved, monkeypatch):
    metrics = json.loads((moved / "metrics.json").read_text())
    metrics["test"] |= {"miss_rate": 0.25, "roc_auc": 0.875, "recall": {"common": 0.5, "rare": 0.75}, "pr_auc": None}
    limits = {"miss_rate": {"low": 0.125, "high": 0.5, "method": "Wilson"}, "roc_auc": {"low": None, "high": None}}
    limits["recall"] = {"common": {"low": 0.4, "high": 0.6}, "rare": {"low": 0.5, "high": 0.875}}
    metrics["intervals"] = {"level": 0.95, "test": limits}
    (moved / "metrics.json").write_text(json.dumps(metrics))
    facts = json.loads((moved / "run.json").read_text()) | {"name": "<script>"}
    (moved / "run.json").write_text(json.dumps(facts))
    Run(moved).report.write_text("report")
    monkeypatch.chdir(moved.parent)
    shown = Run.load(moved)._repr_html_()
    for row in (
        "<tr><td>miss rate</td><td>0.2500</td><td>0.125 to 0.500</td></tr>",
        "<tr><td>recall of rare</td><td>0.7500</td><td>0.500 to 0.875</td></tr>",
        "<tr><td>roc auc</td><td>0.8750</td><td></td></tr>",
    ):
        assert row in shown
    assert "pr auc" not in shown
    assert "<script>" not in shown
    assert f'<a href="moved/{Run(moved).report.name}"' in shown
    Run(moved).report.unlink()
    assert "<a " not in Run.load(moved)._repr_html_()


def test_a_notebook_shows_the_threshold_where_there_is_one(finished_run, finished_run_of_digits):
    threshold = Run.load(finished_run).metrics["decision"]["threshold"]
    assert f"rare is predicted at a probability of {threshold:.3f} or more" in Run.load(finished_run)._repr_html_()
    shown = Run.load(finished_run_of_digits)._repr_html_()
    assert "500 test rows." in shown
    assert "<td>recall of 9</td>" in shown
    assert "is predicted" not in shown


def test_a_run_of_folds_shows_means_and_holds_runs(tmp_path):
    folder = tmp_path / "folds"
    folder.mkdir()
    facts = {"name": "cv", "recipe_hash": "x", "classes": ["a", "b"], "positive": "b"}
    summary = {"folds": 2, "test": {"roc_auc": {"mean": 0.8, "sd": 0.1, "values": [0.7, 0.9]}}}
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "metrics.json").write_text(json.dumps(summary))
    run = Run.load(folder)
    assert run.folds == (Run(folder / "fold-0"), Run(folder / "fold-1"))
    assert "<td>0.8000 ± 0.1000</td>" in run._repr_html_()
    assert "2 folds" in run._repr_html_()


def test_nothing_heavy_is_imported_before_it_is_used():
    code = (
        "import sys, imbalkit; imbalkit.Run, imbalkit.run; "
        "print([name for name in ('torch', 'matplotlib', 'sklearn', 'timm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
