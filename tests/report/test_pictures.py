"""Sections with pictures, of real runs: copies, dropped rows, worst errors, and a report that is written again."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imbalkit import run
from imbalkit.errors import RunError
from imbalkit.report.context import gather
from imbalkit.report.galleries import lit_up
from imbalkit.report.pictures import picture_uri
from imbalkit.report.rewrite import report_again
from imbalkit.report.sections import copies, dropped, errors
from imbalkit.runs.restore import restore
from tests.command_line import imbalkit
from tests.report.html import Page

CLEANED = """\
data: {name: table, file: photographs/labels.csv, label_column: kind, group_column: patient}
positive: rare
images: {size: 24, cache: cache}
backbone: {name: small_cnn, width: 8}  # as good as untrained below, so that there are errors
samplers:
  - name: oversample
    views: {rare: [[{name: rotate90, degrees: 90}, {name: radial_blur, rho: [0.02, 0.03]}], [horizontal_flip]]}
  - {name: loss_rank, warm_start: true, which: highest, drop: {common: 6, rare: 3}, rounds: 2, epochs: 1}
loss: {name: rce, estimator: ema}
training: {epochs: 2, batch_size: 16, optimizer: {lr: 0.000001}, threads: 1, accelerator: cpu, monitor: last}
evaluation: {resamples: 100}
card: {intended_use: Tests.}
"""


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory, photographs):
    """A run with copies and two rounds of loss-rank cleaning, in a project folder where its relative paths start."""
    project = tmp_path_factory.mktemp("cleaned")
    shutil.copytree(photographs, project / "photographs")
    (project / "recipe.yaml").write_text(CLEANED)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        return Path(run("recipe.yaml", folder=project / "run"))


@pytest.fixture(scope="module")
def report(cleaned):
    restored = restore(cleaned)
    return gather(cleaned, restored.prepared, None, model=restored.model)


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_the_page_has_every_picture(cleaned):
    page = Page(cleaned / "report.html")
    assert "could not be made" not in page.source
    assert "cannot be shown" not in page.source
    assert page.pictures["copies"] == 2 * 3  # two samples, each as it is and in two views
    assert page.pictures["dropped"] == 2 * (6 + 3)
    assert page.texts["dropped"].count("Loss rank, round") == 2
    assert "Class weights of the loss" in page.texts["learning"]
    assert "Tests." in page.texts["intended_use"]


def test_copies_are_what_training_saw(report):
    from imbalkit.plan.rendering import render
    from imbalkit.runs.replay import replay

    plan, _ = replay(report.prepared, report.audit[["key", "kept", "dropped_by"]])
    (first, *_) = copies.values(report)["groups"]
    assert [item.head for item in first["shown"]] == [
        "as it is",
        "turn 90 clockwise, then radial blur rho U(0.02, 0.03)",
        "horizontal flip",
    ]
    source = next(s for s in np.unique(plan.source) if report.name_of(s) == first["name"])
    rows = np.flatnonzero(plan.source == source)
    drawn = (render(report.images, plan, rows).permute(0, 2, 3, 1).numpy() * 255 + 0.5).astype(np.uint8)
    for item in first["shown"]:
        assert any(np.array_equal(pixels(item.uri), picture) for picture in drawn)  # small ones are kept without loss


def test_dropped_rows_are_those_of_the_plan(report, cleaned):
    audit = pd.read_parquet(cleaned / "plan.parquet")
    found = dropped.values(report)
    assert list(found["rounds"]) == ["Loss rank, round 1", "Loss rank, round 2"]
    assert (found["score"], found["which"]) == ("loss", "highest")
    before = {"common": 0, "rare": 0}
    for number, cells in enumerate(found["rounds"].values(), start=1):
        for cell in cells:
            own = audit[(audit["round"] == number) & ~audit["kept"] & (audit["label"] == cell["label"])]
            assert cell["dropped"] == len(own) == {"common": 6, "rare": 3}[cell["label"]]
            assert cell["most"] == pytest.approx(own["score"].max())
            assert cell["least"] == pytest.approx(own["score"].min())
            assert cell["median"] == pytest.approx(own["score"].median())
            whole = audit["label"].eq(cell["label"]).sum()
            assert cell["before"] == whole - before[cell["label"]]
            before[cell["label"]] += len(own)
            shown = [float(item.head) for end in cell["ends"] for item in end["shown"]]
            np.testing.assert_allclose(shown, np.sort(own["score"])[::-1], rtol=0.01)


def test_pictures_of_dropped_rows_are_theirs(report):
    cell = dropped.values(report)["rounds"]["Loss rank, round 1"][0]
    audit = report.audit
    own = audit[(audit["round"] == 1) & ~audit["kept"] & (audit["label"] == cell["label"])]
    rows = own.sort_values("score", ascending=False, kind="stable")
    drawn = (report.rendered(rows.index.to_numpy()) * 255 + 0.5).astype(np.uint8)
    (end,) = cell["ends"]
    assert [item.lines[0] for item in end["shown"]] == [report.name_of(source) for source in rows["source"]]
    for item, picture in zip(end["shown"], drawn, strict=True):
        assert np.array_equal(pixels(item.uri), picture)


def test_of_many_rounds_the_first_have_pictures_and_all_have_numbers(report, monkeypatch):
    monkeypatch.setattr(dropped, "MOST_PICTURES", 8)
    cells = [cell for round in dropped.values(report)["rounds"].values() for cell in round]
    assert [bool(cell["ends"]) for cell in cells] == [True, True, False, False]
    assert sum(len(end["shown"]) for cell in cells for end in cell["ends"]) <= 8
    assert all(cell["dropped"] for cell in cells)


def test_the_worst_errors_come_first_with_their_heat(report):
    side = report.run.split_rows()
    found = errors.values(report)
    assert found["heat"]
    for gallery in found["galleries"]:
        shares = [float(re.search(r"([\d.]+)\u202f%", item.head)[1]) for item in gallery["shown"]]
        assert shares == sorted(shares, reverse="False alarms" in gallery["title"])
        assert len(shares) == min(errors.MOST, gallery["total"])
    total = sum(gallery["total"] for gallery in found["galleries"])
    assert total == (side.labels != side.decisions).sum()


def test_heat_maps_leave_the_network_as_it_was(report):
    picture = report.pixels(np.array([0, 5, 9]))
    report.model.train()
    heat, why = errors.heat_maps(report, picture, np.array([0, 1, 1]))
    assert why == ""
    assert heat.shape[0] == 3
    assert report.model.training
    report.model.eval()
    again, _ = errors.heat_maps(report, picture, np.array([0, 1, 1]))
    np.testing.assert_array_equal(heat, again)


def test_light_falls_where_the_heat_is():
    picture = np.full((40, 40, 3), (200, 60, 60), dtype=np.uint8)
    heat = np.zeros((4, 4), dtype=np.float32)
    heat[0, 0] = 3.0
    lit = lit_up(picture, heat)
    np.testing.assert_allclose(lit[1, 1], picture[1, 1], atol=12)
    assert lit[30, 30].max() < 60
    assert len(set(lit[30, 30])) == 1  # grey
    assert lit_up(picture[..., :1], heat).shape == (40, 40, 3)
    assert lit_up(picture, np.zeros((2, 2), dtype=np.float32)).max() < 60


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_pictures_of_any_kind(channels):
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (10, 12, channels), dtype=np.uint8)
    found = pixels(picture_uri(small))
    assert found.shape[:2] == (10, 12)
    if channels == 3:
        assert np.array_equal(found, small)
    large = pixels(picture_uri(random.random((300, 150, channels)).astype(np.float32), 100))
    assert large.shape[:2] == (100, 50)


# --- again --------------------------------------------------------------------------------------------------------------


def test_the_command_writes_the_same_again(cleaned, tmp_path):
    out = tmp_path / "again.html"
    said = imbalkit("report", cleaned, "--out", out, cwd=tmp_path)  # from another folder than it began in
    assert said.stdout.strip() == str(out)
    assert said.stderr == ""
    first, second = Page(cleaned / "report.html"), Page(out)
    assert second.pictures == first.pictures
    assert {name: text for name, text in second.texts.items() if name != "reproducibility"} == {
        name: text for name, text in first.texts.items() if name != "reproducibility"
    }


def test_a_card_that_is_filled_in_later(cleaned, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(cleaned, folder)
    recipe = folder / "recipe.yaml"
    recipe.write_text(re.sub(r"  not_for: null", "  not_for: Everything else.", recipe.read_text()))
    report_again(folder)
    assert "Everything else." in Page(folder / "report.html").texts["intended_use"]


def test_pictures_that_are_gone_are_said(cleaned, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(cleaned, folder)
    facts = (folder / "run.json").read_text().replace(str(cleaned.parent), str(tmp_path / "gone"))
    (folder / "run.json").write_text(facts)
    said = imbalkit("report", folder, cwd=tmp_path)
    assert "note: the data of" in said.stderr
    page = Page(folder / "report.html")
    for name in ("errors", "copies", "dropped"):
        assert "The images cannot be shown: the data of" in page.texts[name]
        assert page.pictures[name] == 0
    assert "score: highest" in page.texts["dropped"]  # numbers need no pictures
    assert "could not be made" not in page.source


def test_a_network_that_is_gone_is_said(cleaned, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(cleaned, folder)
    (folder / "model.safetensors").unlink()
    _, missing = report_again(folder)
    assert "the network is unavailable" in missing[0]
    assert "could not be made" not in Page(folder / "report.html").source


def test_mistakes_are_told_and_nothing_is_written(cleaned, tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        report_again(tmp_path)
    with pytest.raises(RunError, match="there is no folder .*gone to write x.html into"):
        report_again(cleaned, tmp_path / "gone" / "x.html")
    with pytest.raises(RunError, match="cannot be used on this machine"):
        report_again(cleaned, tmp_path / "x.html", device="cuda:77" if not torch.cuda.is_available() else "nonsense")
    assert not list(tmp_path.iterdir())
    said = imbalkit("report", tmp_path / "none", cwd=tmp_path, check=False)
    assert said.returncode == 1
    assert "expected a run folder, there is none at" in said.stderr
    assert "Traceback" not in said.stderr
