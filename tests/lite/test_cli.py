"""`imbalkit-lite predict` and `imbalkit predict` with an exported file: the same rows, options and mistakes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imbalkit.cli.main import main as imbalkit_main
from imbalkit_lite import model
from imbalkit_lite.card import Abstain
from imbalkit_lite.cli import main as lite_main
from imbalkit_lite.images import ImageRule, read_image
from imbalkit_lite.model import open_model
from imbalkit_lite.prediction_command import file_predictor
from tests.lite.small_network import CARD

PACKAGE = Path(__file__).parents[2] / "plugins" / "imbalkit_lite"


@pytest.fixture(params=["imbalkit-lite", "imbalkit"])
def run(request, monkeypatch):
    """`run("predict", ...)` -> (exit code, standard output, standard error) of either command, in this process."""
    main = {"imbalkit-lite": lite_main, "imbalkit": imbalkit_main}[request.param]

    def command(*words: object, stdin: str = "") -> tuple[object, str, str]:
        code: object = 0
        out, err = io.StringIO(), io.StringIO()
        monkeypatch.setattr(sys, "argv", [request.param, *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        try:
            with redirect_stdout(out), redirect_stderr(err):
                main()
        except SystemExit as end:
            code = end.code or 0
        return code, out.getvalue(), err.getvalue()

    return command


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_rows_are_those_of_the_network(run, exported, network, pictures, kind):
    files = sorted(pictures.iterdir())
    rule = ImageRule((20, 16), "crop", "bicubic")
    expected = network.answers(np.stack([read_image(file, rule) for file in files]))
    ranked = np.sort(expected[:, 1])
    low, high = (ranked[2] + ranked[3]) / 2, (ranked[4] + ranked[5]) / 2  # three below, four from `high` on
    card = replace(CARD, threshold=high, abstain=Abstain(band=(low, high)))

    code, out, err = run("predict", exported(kind, card), pictures, "--batch-size", 4, "--threads", 1)
    rows = rows_of(out)
    assert (code, err) == (0, "")
    assert [row["path"] for row in rows] == [str(file) for file in files]
    found = np.array([[float(row[f"probability_{name}"]) for name in ("aster", "poppy", "tulip")] for row in rows])
    np.testing.assert_allclose(found, expected, atol=2e-6)
    rest = np.where(expected[:, 0] >= expected[:, 2], "aster", "tulip")
    assert [row["decision"] for row in rows] == np.where(expected[:, 1] >= high, "poppy", rest).tolist()
    assert [row["decision"] for row in rows].count("poppy") == 4
    undecided = (expected[:, 1] >= low) & (expected[:, 1] < high)
    assert [row["abstained"] for row in rows] == [str(each) for each in undecided.tolist()]
    assert undecided.sum() == 2


def test_names_that_are_no_utf8(exported, pictures, tmp_path):
    """They come in by standard input and leave as they were."""
    name = bytes(tmp_path) + b"/gr\xf6n.png"
    with open(name, "wb") as file:
        file.write((pictures / "0.png").read_bytes())
    words = [sys.executable, "-m", "imbalkit_lite", "predict", str(exported("onnx")), "-"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "LC_ALL": "C"}
    done = subprocess.run(words, input=name + b"\n", capture_output=True, check=True, env=environment)
    assert done.stdout.splitlines()[1].startswith(name + b",")


def test_json_and_another_threshold(run, exported, pictures):
    path = exported("onnx")
    _, out, _ = run("predict", path, pictures / "0.png", "--json", "--threshold", 0)
    assert json.loads(out)["decision"] == "poppy"
    _, out, _ = run("predict", path, pictures / "0.png", "--json", "--threshold", "1")
    assert json.loads(out)["decision"] != "poppy"
    assert list(json.loads(out)) == [
        *("path", "decision", "abstained", "probability_aster", "probability_poppy", "probability_tulip", "error")
    ]


def test_a_table_a_bad_file_and_a_file_of_rows(run, exported, pictures, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"x")
    (tmp_path / "new.csv").write_text(f"image,site\nbad.png,arm\n{pictures / '1.png'},leg\n")
    target = tmp_path / "rows.csv"
    code, out, err = run("predict", exported("onnx"), tmp_path / "new.csv", "--column", "image", "--out", target)
    rows = rows_of(target.read_text())
    assert (code, out) == (0, "")
    assert [(row["site"], row["error"]) for row in rows] == [("arm", "not an image that Pillow can read"), ("leg", "")]
    assert "1 of 2 files could not be read: `error` says why" in err
    assert f"{target}: " in err
    assert "error: 1" in err


def test_paths_from_standard_input(run, exported, pictures, monkeypatch):
    monkeypatch.chdir(pictures)  # an empty line would stand for it
    code, out, _ = run("predict", exported("onnx"), "-", stdin=f"{pictures / '2.png'}\n\n{pictures / '0.png'}\n")
    assert code == 0
    assert [Path(row["path"]).name for row in rows_of(out)] == ["2.png", "0.png"]


def test_the_exit_code_when_nothing_could_be_read(run, exported, pictures):
    code, out, err = run("predict", exported("onnx"), "gone.png", "gone.jpg")
    assert code == 1
    assert [row["error"] for row in rows_of(out)] == ["there is no such file"] * 2
    assert "2 of 2 files could not be read" in err
    code, _, err = run("predict", exported("onnx"), "gone.png", pictures / "0.png")
    assert code == 0
    assert "1 of 2 files" in err


@pytest.mark.parametrize(
    "words, code, message",
    [
        (("FILE",), 2, "Missing argument 'PATH...'"),
        (("gone.onnx", "a.png"), 1, "error: there is no file gone.onnx"),
        (("FILE", "empty"), 1, "empty holds no images"),
        (("FILE", "a.png", "--out", "rows.txt"), 2, "name it .csv or .jsonl"),
        (("FILE", "a.png", "--out", "no/rows.csv"), 1, "there is no folder"),
        (("FILE", "a.png", "--threshold", "1.5"), 1, "error: expected a threshold from 0 to 1, got 1.5"),
        (("FILE", "a.png", "--batch-size", "0"), 2, "0 is not in the range x>=1"),
        (("FILE", "a.png", "--threads", "0"), 2, "0 is not in the range x>=1"),
        (("BARE", "a.png"), 1, "has no card"),
    ],
)
def test_a_mistake_is_a_message(run, exported, tmp_path, monkeypatch, words, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    files = {"FILE": exported("onnx"), "BARE": exported("tflite", None, "bare")}
    found, out, err = run("predict", *(files.get(word, word) for word in words))
    assert (found, out) == (code, "")
    assert message in err


def test_a_device_is_for_runs(run, exported, pictures, request):
    code, _, err = run("predict", exported("onnx"), pictures, "--device", "cuda")
    assert code == 2
    expected = {
        "imbalkit": "Invalid value for --device: an exported file runs on the CPU",
        "imbalkit-lite": "No such option",
    }[request.node.callspec.params["run"]]
    assert expected in err


def test_options_reach_the_model(exported, monkeypatch):
    path, opened = exported("onnx"), []
    monkeypatch.setattr(model, "open_model", lambda *given: (opened.append(given), open_model(*given))[1])
    assert file_predictor(path, 0.7, 5, 2).batch_size == 5
    assert file_predictor(path, 0.7, None, None).card.threshold == 0.7
    plain = file_predictor(path, None, None, None)
    assert (plain.batch_size, plain.card.threshold) == (model.BATCH, CARD.threshold)
    assert opened[0] == (path, 2)


def test_a_reader_that_stops_early(exported, pictures):
    """`... | head -1` ends it without a traceback."""
    words = [sys.executable, "-m", "imbalkit_lite", "predict", str(exported("onnx")), *[str(pictures)] * 2000]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline().startswith("path,decision,")
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(60) == 1


def test_help_is_quick():
    """Nothing is imported for it but click: no NumPy, no Pillow, no runtime."""
    code = (
        "import sys, imbalkit_lite.cli as cli\n"
        "try: cli.root(['predict', '--help'])\n"
        "except SystemExit: pass\n"
        "print('heavy:', [name for name in ('numpy', 'PIL', 'onnxruntime', 'ai_edge_litert', 'torch') if name in sys.modules])"
    )
    took = []
    for _ in range(3):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        took.append(time.perf_counter() - start)
    assert "FILE PATH..." in done.stdout
    assert done.stdout.endswith("heavy: []\n")
    assert min(took) < 1.0, took  # 0.1 s on an idle machine
