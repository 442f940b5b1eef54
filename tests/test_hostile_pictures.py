"""Files that are no pictures, through the commands: each is a bad row, no program is started and nothing waits."""

from __future__ import annotations

import json
import os
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import EpsImagePlugin, Image

from tests.command_line import imbalkit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n0 0 8 8 rectfill\nshowpage\n%%EOF\n"
REASONS = {
    "eps.jpg": "got EPS",
    "pipe.jpg": "got a pipe",
    "zero.jpg": "got a device",
    "sparse.jpg": "at most 1 GiB",
    "folder.jpg": "got a folder",
}
RECIPE = """\
data: {name: table, file: data.csv, label_column: kind, check_files: false}
images: {size: 16, on_bad_image: skip}
backbone: {name: small_cnn, width: 4}
training: {epochs: 1, batch_size: 8, threads: 1, accelerator: cpu}
samplers: []
"""


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Twenty pictures of two classes with one file of each bad kind among them; `gs` would leave a file `started`."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    rows = []
    for index in range(20):
        name = f"{'ab'[index % 2]}/{index}.png"
        pixels = np.random.default_rng(index).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        rows.append((name, "ab"[index % 2]))
    bad = tmp_path / "a"
    (bad / "eps.jpg").write_bytes(EPS)
    os.mkfifo(bad / "pipe.jpg")
    (bad / "zero.jpg").symlink_to("/dev/zero")
    with (bad / "sparse.jpg").open("wb") as stream:
        stream.truncate(2**30 + 1)
    (bad / "folder.jpg").mkdir()
    rows += [(f"a/{name}", "a") for name in REASONS]
    pd.DataFrame(rows, columns=["path", "kind"]).to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    yield tmp_path
    assert not (tmp_path / "started").exists()


def assert_told(reasons: dict[str, str]) -> None:
    assert reasons.keys() == REASONS.keys()
    for name, reason in reasons.items():
        assert REASONS[name] in reason


def test_run(data):
    imbalkit("run", "recipe.yaml", "--folder", "run", cwd=data)
    bad = json.loads((data / "run" / "metrics.json").read_text())["bad_images"]
    assert_told({os.path.basename(image["path"]): image["reason"] for image in bad})
    stopped = imbalkit("run", "recipe.yaml", "--set", "images.on_bad_image=error", cwd=data, check=False)
    assert stopped.returncode == 1
    assert "5 of 25 images cannot be read" in stopped.stderr
    assert all(reason in stopped.stderr for reason in REASONS.values())


def test_predict(data, finished_run):
    run = shutil.copytree(finished_run, data / "run")
    named = imbalkit(
        "predict", run, *(f"a/{name}" for name in REASONS if name != "folder.jpg"), "a/0.png", "--json", cwd=data
    )
    rows = {os.path.basename(row["path"]): row["error"] for row in map(json.loads, named.stdout.splitlines())}
    assert rows.pop("0.png") is None
    assert_told(rows | {"folder.jpg": REASONS["folder.jpg"]})  # as a path, a folder is what it holds
    table = imbalkit("predict", run, "data.csv", "--json", cwd=data)
    rows = [json.loads(line) for line in table.stdout.splitlines()]
    assert_told({os.path.basename(row["path"]): row["error"] for row in rows if row["error"]})


def test_init(data):
    shown = imbalkit("init", ".", "--out", "r.yaml", cwd=data).stdout
    assert "eps.jpg: expected JPEG, PNG" in shown
    assert "sparse.jpg: expected a file of at most 1 GiB" in shown


def test_leaks(data):
    done = imbalkit("leaks", "recipe.yaml", cwd=data, check=False)
    assert done.returncode in (0, 1)
    assert "5 files cannot be read" in done.stdout


LONG = "a" * 300 + ".jpg"


def test_names_that_no_file_can_have_are_rows(data, finished_run):
    run = shutil.copytree(finished_run, data / "run")
    (data / "long.csv").write_text(f"path\n{LONG}\na/0.png\n", encoding="utf-8")
    done = imbalkit("predict", run, LONG, "long.csv", "--json", cwd=data)
    errors = [json.loads(line)["error"] for line in done.stdout.splitlines()]
    assert errors == ["its name is longer than the file system allows"] * 2 + [None]


@pytest.mark.parametrize(
    "words", [["init", LONG], ["run", LONG], ["plan", LONG], ["leaks", LONG], ["predict", LONG, "a.jpg"]]
)
def test_names_that_no_file_can_have_are_one_line(tmp_path, words):
    done = imbalkit(*words, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert len(done.stderr) < 300 + len(LONG)
