"""Hostile names of classes, columns, files and runs through every command: nothing raw is printed or written."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
from PIL import Image

from imbalkit.cli.main import main, root
from imbalkit_lite.cli import main as lite_main
from imbalkit_lite.model import open_model
from imbalkit_lite.text import printable, printable_lines
from tests.command_line import environment, imbalkit
from tests.hostile import CELL, CLASSES, ESCAPE, RAW, RUN, SITE, check_folder, check_text, page_of, write_data

if os.name == "nt":
    pytest.skip("Windows allows no such names", allow_module_level=True)

pytestmark = [
    pytest.mark.filterwarnings("error:constrained_layout not applied"),  # of a chart without room
    pytest.mark.slow,  # a sweep, converters, and every command
]
# What each command is called with; the fixtures below make what takes longer.
CALLS = {
    "init": [["d", "--out", "i.yaml"], ["d.csv", "--out", "t_init.yaml"], [ESCAPE]],
    "plan": [["r.yaml"], ["r.yaml", "--json"], ["t.yaml"], ["t.yaml", "--json"], ["r.yaml", "--set", f"{ESCAPE}=1"]],
    "run": [[f"{ESCAPE}.yaml"], ["r.yaml", "--folder", RUN]],
    "predict": [[RUN, "d"], [RUN, "d", "--json"], [RUN, "d.csv"], [RUN, "d", "--out", "p.csv"], [ESCAPE, "d"]],
    "compare": [[RUN, "two"], [RUN, "two", "--json"], [RUN, "table"], [ESCAPE, RUN]],
    "ensemble": [[RUN, "two", "--folder", f"{RUN}-both"], [RUN, ESCAPE, "--folder", "none"]],
    "report": [[RUN], ["table"], [ESCAPE]],
    "leaks": [["r.yaml"], ["t.yaml"], [ESCAPE]],
    "audit": [["r.yaml", "--set", f"{ESCAPE}=1"], [ESCAPE]],
    "baseline": [
        ["table", "--folder", f"{RUN}-baselines"],
        ["t.yaml", "--set", f"{ESCAPE}=1"],
        ["t.yaml", "--methods", ESCAPE],
        [ESCAPE],
    ],
    "embed": [
        [RUN, "--out", "f.parquet"],
        ["r.yaml", "--out", "g.parquet"],
        [ESCAPE, "--out", "g.parquet"],
        [RUN, "--out", ESCAPE],
    ],
    "export": [[ESCAPE, "--to", "onnx"], [RUN, "--to", ESCAPE]],
    "figures": [[ESCAPE], [RUN, "--only", ESCAPE], ["--recipe", "r.yaml", "--only", "gallery", "--out", "gallery"]],
    "sweep": [[ESCAPE], ["s.yaml", "--plan"]],
    "plugins": [[], [ESCAPE]],
    "schema": [[]],
    "app": [[ESCAPE], ["x.tflite", "--apk", ESCAPE], ["x.tflite", "--apk", "x.apk", "--key", ESCAPE, "--icon", ESCAPE]],
    "new": [[ESCAPE, "x"], ["loss", ESCAPE]],
    "melanoma": [[ESCAPE], ["fetch", ESCAPE]],
}


def quiet(*arguments, cwd):
    """The command, which must succeed and print nothing raw."""
    done = imbalkit(*arguments, cwd=cwd)
    assert not RAW.search(done.stdout + done.stderr), arguments
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    write_data(folder)
    quiet("run", "r.yaml", "--folder", RUN, cwd=folder)
    quiet("run", "r.yaml", "--folder", "two", "--set", "loss=inverse_ce", cwd=folder)
    quiet("run", "t.yaml", "--folder", "table", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def swept(folder):
    quiet("sweep", "s.yaml", "--folder", "swept", "--jobs", 1, cwd=folder)
    return folder / "swept"


@pytest.fixture(scope="module")
def exported(folder):
    quiet("export", RUN, "--to", "onnx", "--out", f"{RUN}.onnx", cwd=folder)
    return folder / f"{RUN}.onnx"


def test_every_command_has_a_call():
    assert set(root.list_commands(None)) == set(CALLS)


@pytest.mark.parametrize("command", CALLS)
def test_nothing_raw_is_printed(folder, command):
    for arguments in CALLS[command]:
        done = imbalkit(command, *arguments, cwd=folder, check=False)
        assert not RAW.search(done.stdout + done.stderr), arguments
        assert done.stdout + done.stderr or "--out" in arguments


@pytest.mark.parametrize("run", [RUN, "table"])
def test_the_files_of_a_run(folder, run):
    assert check_folder(folder / run) == {".json", ".jsonl", ".yaml", ".html"}
    text = page_of(folder / run / "report.html").text
    assert all(printable(name) in text for name in CLASSES)
    assert "could not be made" not in text
    assert run != "table" or printable_lines(SITE) in text


def test_the_files_of_a_comparison(folder):
    quiet("compare", RUN, "two", "--out", "compared", cwd=folder)
    assert check_folder(folder / "compared") == {".csv", ".md", ".svg"}


def test_the_files_of_figures(folder):
    quiet("figures", RUN, "two", "--out", "figures", cwd=folder)
    assert check_folder(folder / "figures") == {".csv", ".svg"}
    assert {"rates.svg", "balance.svg", "gallery.svg"} <= {path.name for path in (folder / "figures").iterdir()}


def test_the_files_of_a_sweep(swept):
    assert check_folder(swept) == {".json", ".jsonl", ".yaml", ".html", ".csv", ".md", ".txt"}
    assert printable(CELL) in (swept / "tables" / "overview.csv").read_text(encoding="utf-8")


def test_the_card_of_an_export_has_the_exact_names(exported):
    assert open_model(exported).classes == CLASSES
    check_folder(exported.parent / RUN)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_predictions_of_an_export(folder, exported, monkeypatch, suffix):
    monkeypatch.setattr("tests.command_line.main", lite_main)
    quiet("predict", exported, "d", "--out", f"lite{suffix}", cwd=folder)
    quiet("predict", exported, "d", cwd=folder)
    quiet("predict", exported, "d", "--json", cwd=folder)
    check_text(folder / f"lite{suffix}")


def test_predictions_on_a_terminal(folder, exported, monkeypatch):
    monkeypatch.setattr("imbalkit_lite.prediction_command._format", lambda kind, out: "text")
    assert quiet("predict", RUN, "d", cwd=folder).stdout
    assert quiet("predict", exported, "d", cwd=folder).stdout


def test_an_app(folder, monkeypatch, tmp_path):
    pytest.importorskip("litert_torch", reason="needs litert_torch: pip install 'imbalkit[tflite]'")
    from tests.app.conftest import STUB

    for name, text in STUB.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("imbalkit_app.page.find_page", lambda say: tmp_path)
    quiet("export", RUN, "--to", "tflite", "--out", f"{RUN}.tflite", cwd=folder)
    assert open_model(folder / f"{RUN}.tflite").classes == CLASSES
    quiet("app", f"{RUN}.tflite", "--out", "app", cwd=folder)
    check_folder(folder / "app" / "model")
    assert json.loads((folder / "app" / "model" / "card.json").read_text(encoding="utf-8"))["classes"] == list(CLASSES)


def test_a_csv_holds_no_formula_and_no_control_code(folder):
    quiet("predict", RUN, "d", "--out", "q.csv", cwd=folder)
    check_text(folder / "q.csv")
    assert len(list(csv.reader((folder / "q.csv").open(encoding="utf-8", newline="")))) == 121


def test_a_file_name_that_is_no_text(folder, monkeypatch):
    """JSON and a terminal get an escape; a CSV the bytes of the name, by which the file is found again."""
    (folder / "odd").mkdir()
    name = os.fsdecode(b"=\xff\x1b.png")
    try:
        Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(folder / "odd" / name)
    except OSError:
        pytest.skip("this file system allows no such name")
    quiet("predict", RUN, "odd", "--out", "odd.jsonl", cwd=folder)
    check_text(folder / "odd.jsonl")
    assert json.loads((folder / "odd.jsonl").read_text(encoding="utf-8"))["path"] == f"odd/{name}"
    assert not RAW.search(quiet("predict", RUN, "odd", "--json", cwd=folder).stdout)
    quiet("predict", RUN, "odd", "--out", "odd.csv", cwd=folder)
    assert b"odd/=\xff\\x1b.png" in (folder / "odd.csv").read_bytes()
    monkeypatch.setattr("imbalkit_lite.prediction_command._format", lambda kind, out: "text")
    assert "\\udcff" in quiet("predict", RUN, "odd", cwd=folder).stdout


ENCODED = {
    "plan": ["t.yaml"],
    "init": ["d", "--out", "{}.yaml"],
    "run": ["t.yaml", "--folder", "{}"],
    "predict": [RUN, "d"],
    "compare": [RUN, "two"],
    "leaks": ["r.yaml"],
    "report": ["table"],
    "figures": [RUN, "two", "--out", "{}-figures", "--format", "svg"],
    "sweep": ["s.yaml", "--folder", "swept", "--resume"],
    "export": [RUN, "--to", "onnx", "--out", "{}.onnx"],
}


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ENCODED)
def test_output_in_any_encoding(folder, swept, monkeypatch, command, encoding):
    monkeypatch.chdir(folder)
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["imbalkit", command, *(word.format(encoding) for word in ENCODED[command])])
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code


def test_a_process_without_utf_8(tmp_path):
    for name in ("thick ≥ 1 mm", "thin"):
        (tmp_path / "d" / name).mkdir(parents=True)
        for row in range(10):
            Image.fromarray(np.full((8, 8, 3), 20 * row, np.uint8)).save(tmp_path / "d" / name / f"{row}.png")
    recipe = "data: {name: image_folder, root: d}\nimages: {size: 8}\nbackbone: small_cnn\n"
    (tmp_path / "r.yaml").write_text(recipe)
    plain = os.environ | environment(tmp_path) | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    plain.pop("PYTHONIOENCODING", None)
    words = [sys.executable, "-m", "imbalkit", "plan", "r.yaml"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, env=plain, timeout=600)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert re.search(rb"thick .+ 1 mm", done.stdout)
