"""Figures as files, from Python and from the command line, on real runs."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from imbalkit.cli.main import root
from imbalkit.errors import RunError, WriteError
from imbalkit.plots import FIGURES, style
from imbalkit.plots.save import make, save
from imbalkit.plots.study import rates
from imbalkit.plots.study.records import find_runs
from imbalkit.runs.folder import note


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def imbalkit(*arguments):
    return CliRunner().invoke(root, ["figures", *map(str, arguments)])


@pytest.mark.slow
def test_the_command_for_real(real_runs, tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "imbalkit", "figures", real_runs / "runs", "--out", tmp_path / "f"],
        capture_output=True,
        text=True,
        env=os.environ | {"IMBALKIT_CACHE": str(tmp_path / "cache")},
    )
    assert result.returncode == 0, result.stderr
    assert names(tmp_path / "f") == sorted(f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg", "csv"))
    assert result.stdout.split() == [
        str(tmp_path / "f" / f"{name}.{kind}") for name in FIGURES for kind in ("png", "svg", "csv")
    ]
    assert result.stderr == ""
    for name in FIGURES:
        with Image.open(tmp_path / "f" / f"{name}.png") as image:
            pixels = np.asarray(image.convert("L"))
            assert image.format == "PNG"
        assert 0.02 < (pixels < 250).mean() < 0.9, name  # not empty, not black
        svg = ET.parse(tmp_path / "f" / f"{name}.svg").getroot()
        assert svg.tag == "{http://www.w3.org/2000/svg}svg"
        inches = float(svg.get("width").removesuffix("pt")) / 72, float(svg.get("height").removesuffix("pt")) / 72
        assert pixels.shape[1] == pytest.approx(inches[0] * style.DPI, abs=1)
        assert pixels.shape[0] == pytest.approx(inches[1] * style.DPI, abs=1)
    frame = pd.read_csv(tmp_path / "f" / "rates.csv")
    runs = find_runs([real_runs / "runs"]).runs
    assert frame["loss"].tolist() == ["ce", "focal"]
    assert frame["misses"].tolist() == [run.chosen.wrong[1] for run in runs]
    assert frame["false_alarms"].tolist() == [run.chosen.wrong[0] for run in runs]


def test_size_and_sameness(real_runs, tmp_path):
    runs = find_runs([real_runs / "runs"]).runs
    for out in ("a", "b"):
        frame = rates.data(runs)
        save(rates.draw(frame), frame, tmp_path / out, "rates")
    with Image.open(tmp_path / "a" / "rates.png") as image:
        assert image.size == (round(style.WIDTH * style.DPI), round(4.4 * style.DPI))
    for name in ("rates.png", "rates.svg", "rates.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    again = pd.read_csv(tmp_path / "a" / "rates.csv")
    np.testing.assert_allclose(again["miss_high"], frame["miss_high"])


def test_only_format_and_at(real_runs, tmp_path):
    made = make([real_runs / "runs" / "ce"], tmp_path, ["by_loss", "rates"], ["svg"], at="half")
    assert [path.name for path in made.files] == [
        "rates-at-half.svg", "rates-at-half.csv", "by_loss-at-half.svg", "by_loss-at-half.csv",
    ]  # fmt: skip
    assert names(tmp_path) == sorted(path.name for path in made.files)
    (run,) = find_runs([real_runs / "runs" / "ce"]).runs
    assert pd.read_csv(tmp_path / "rates-at-half.csv")["misses"].item() == run.half.wrong[1]


def test_psf_needs_no_run(tmp_path):
    result = imbalkit("--only", "psf", "--out", tmp_path, "--format", "png")
    assert result.exit_code == 0, result.output
    assert names(tmp_path) == ["psf.csv", "psf.png"]
    frame = pd.read_csv(tmp_path / "psf.csv")
    assert sorted(frame["rho"].unique()) == [0, 0.01, 0.02]


def test_psf_of_colours_needs_no_run(tmp_path):
    result = imbalkit("--only", "psf_colour,psf", "--out", tmp_path, "--format", "svg")
    assert result.exit_code == 0, result.output
    assert names(tmp_path) == ["psf.csv", "psf.svg", "psf_colour.csv", "psf_colour.svg"]


def test_gallery_of_a_recipe(real_runs, tmp_path):
    result = imbalkit(
        "--recipe", real_runs / "r.yaml", "--out", tmp_path, "--only", "gallery", "--samples", 1, "--format", "svg"
    )
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(tmp_path / "gallery.csv")
    assert frame.groupby("class")["source"].nunique().tolist() == [1, 1]


def test_a_recipe_alone_asks_for_no_figures_of_runs(real_runs, tmp_path):
    made = make(out=tmp_path, recipe=real_runs / "r.yaml", formats=["svg"])
    assert made.left_out == {}
    assert names(tmp_path) == ["gallery.csv", "gallery.svg", "psf.csv", "psf.svg", "psf_colour.csv", "psf_colour.svg"]


def test_what_cannot_be_drawn_is_left_out_and_said(tmp_path, write_run):
    result = imbalkit(write_run(tmp_path / "r"), write_run(tmp_path / "u", loss__name="focal"), "--out", tmp_path / "f")
    assert result.exit_code == 0, result.output
    assert "left out: gallery: give a run or a --recipe whose samplers make changed copies" in result.stderr
    assert "rates.svg" in names(tmp_path / "f")
    assert "gallery.csv" not in names(tmp_path / "f")


def test_many_classes_leave_the_rates_out(tmp_path, write_run):
    folder = write_run(tmp_path / "r")
    note(folder, classes=["a", "b", "c"], positive=None)
    result = imbalkit(folder, "--out", tmp_path / "f")
    assert result.exit_code == 0, result.output
    assert (
        "left out: rates, balance, by_loss: miss rate and false alarm rate need two classes; r has 3: a, b, c"
        in result.stderr
    )
    assert imbalkit(folder, "--out", tmp_path / "g", "--only", "rates").exit_code == 1
    assert not (tmp_path / "g").exists()


def test_runs_on_other_samples(tmp_path, write_run):
    a, b = write_run(tmp_path / "a"), write_run(tmp_path / "b", tested=range(1, 101), loss__name="focal")
    with pytest.raises(RunError, match="a and b were tested on different samples"):
        make([a, b], tmp_path / "f")
    assert not (tmp_path / "f").exists()
    made = make([a, b], tmp_path / "f", ["rates"], mix=True)
    assert made.notes == ("The rates do not compare: a and b were tested on different samples.",)
    assert len(pd.read_csv(tmp_path / "f" / "rates.csv")) == 2
    assert make([a, b], tmp_path / "g", ["psf"]).notes == ()  # no rates, nothing to compare


def test_unfinished_runs_and_unknown_samples_are_noted(tmp_path, write_sweep):
    cells = [
        ({"method": name}, None, 0, {"loss__name": name, "finished": name != "x"}) for name in ("ce", "focal", "x")
    ]
    sweep = write_sweep(tmp_path / "s", cells)
    for file in sweep.glob("cells/*/predictions.parquet"):
        file.unlink()
    made = make([sweep], tmp_path / "f", ["rates"], ["svg"])
    assert made.notes == (
        "1 unfinished runs are left out.",
        "Unknown whether tested on the same samples (without predictions): 2 runs.",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "give run or sweep folders, a --recipe for the gallery, or --only psf"),
        (["--only", "rates"], 2, "give run or sweep folders"),
        (["--only", "psf,rate"], 2, "give run or sweep folders"),
        (["RUN", "--only", "rate"], 1, "there is no figure 'rate'; did you mean 'rates'\\?"),
        (["RUN", "--only", ","], 2, "--only: names no figure"),
        (["RUN", "--only", "gallery"], 1, "whose samplers make changed copies"),
        (["nowhere"], 1, "there is no folder nowhere"),
        (["RUN", "--at", "third"], 2, "'third' is not one of"),
        (["RUN", "--format", "gif"], 2, "'gif' is not one of"),
        (["--recipe", "nothing.yaml"], 1, "there is no recipe file 'nothing.yaml'"),
    ],
)
def test_mistakes(arguments, code, message, tmp_path, write_run):
    run = write_run(tmp_path / "run")
    words = [str(run) if word == "RUN" else word for word in arguments]
    result = subprocess.run(
        [sys.executable, "-m", "imbalkit", "figures", *words, "--out", tmp_path / "f"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert result.returncode == code, result.stderr
    assert re.search(message, result.stderr)
    assert "Traceback" not in result.stderr


def test_a_folder_that_cannot_be_written(tmp_path, write_run):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        make([write_run(tmp_path / "run")], tmp_path / "file" / "f", ["rates"])


def test_a_failed_write_leaves_the_old_file(tmp_path, write_run, monkeypatch):
    runs = find_runs([write_run(tmp_path / "run")]).runs
    frame = rates.data(runs)
    figure = rates.draw(frame)
    save(figure, frame, tmp_path / "f", "rates", ["png"])
    before = (tmp_path / "f" / "rates.png").read_bytes()

    def fail(path, **options):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(WriteError, match="cannot be written: No space left on device"):
        save(figure, frame, tmp_path / "f", "rates", ["png"])
    assert (tmp_path / "f" / "rates.png").read_bytes() == before
    assert names(tmp_path / "f") == ["rates.csv", "rates.png"]


def test_help_needs_no_heavy_import():
    code = (
        "import sys; from imbalkit.cli.main import root\n"
        "try: root(['figures', '--help'])\n"
        "except SystemExit: print([name for name in ('pandas', 'torch', 'matplotlib') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"
    assert "--only NAME,..." in result.stdout
