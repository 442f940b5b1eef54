"""Hostile names of classes, files and runs through every command: nothing raw on a terminal, in a page or in a CSV."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from imbalkit.cli import main, root
from tests.command_line import environment, imbalkit

if os.name == "nt":
    pytest.skip("Windows allows no such names", allow_module_level=True)

ESCAPE = "\x1b[31m"
CLASSES = (f"{ESCAPE}red\x1b]0;own\x07", "=cmd|' C'!A0 \u202eevil\nline", "<img src=x onerror=alert(1)>$x^2$[red]\"'")
RUN = f"<b onerror=alert(1)>{ESCAPE}run"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
RECIPE = """\
data: {name: image_folder, root: d}
images: {size: 8}
split: {validation: 0.3, test: 0.3}
backbone: {name: small_cnn, width: 4}
training: {epochs: 1, batch_size: 16, threads: 1}
"""
# What each command is called with; those that need more than a tiny run are called with names of nothing.
CALLS = {
    "init": [["d", "--out", "i.yaml"], [ESCAPE]],
    "plan": [["r.yaml"], ["r.yaml", "--json"], ["r.yaml", "--set", f"{ESCAPE}=1"]],
    "run": [[f"{ESCAPE}.yaml"]],
    "predict": [[RUN, "d"], [RUN, "d", "--json"], [RUN, "d", "--out", "p.csv"], [ESCAPE, "d"]],
    "compare": [[RUN, "two"], [ESCAPE, RUN]],
    "report": [[RUN], [ESCAPE]],
    "leaks": [["r.yaml"], [ESCAPE]],
    "export": [[ESCAPE, "--to", "onnx"]],
    "figures": [[ESCAPE]],
    "sweep": [[ESCAPE]],
    "plugins": [[], [ESCAPE]],
    "schema": [[]],
    "app": [[ESCAPE]],
    "melanoma": [[ESCAPE], ["fetch", ESCAPE]],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        (folder / "d" / name).mkdir(parents=True)
        for row in range(12):
            pixels = (rng.integers(0, 100, (12, 12, 3)) + 40 * label).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "d" / name / f'={ESCAPE}"<b>{row}.png')
    (folder / "r.yaml").write_text(RECIPE)
    for name, seed in ((RUN, 0), ("two", 1)):
        done = imbalkit("run", "r.yaml", "--folder", name, "--set", f"seed={seed}", cwd=folder)
        assert not RAW.search(done.stdout + done.stderr)
    return folder


def test_every_command_has_a_call():
    assert set(root.list_commands(None)) == set(CALLS)


@pytest.mark.parametrize("command", CALLS)
def test_nothing_raw_is_printed(folder, command):
    for arguments in CALLS[command]:
        done = imbalkit(command, *arguments, cwd=folder, check=False)
        assert not RAW.search(done.stdout + done.stderr), arguments
        assert done.stdout + done.stderr or "--out" in arguments


class _Tags(HTMLParser):
    found = ()

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        if "onerror" in names or names.get("src") == "x":
            self.found = (*self.found, tag)


def test_the_report_has_no_element_of_a_name(folder):
    page = _Tags()
    text = (folder / RUN / "report.html").read_text(encoding="utf-8")
    page.feed(text)
    assert not page.found
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_a_csv_holds_no_formula_and_no_control_code(folder):
    imbalkit("predict", RUN, "d", "--out", "q.csv", cwd=folder)
    text = (folder / "q.csv").read_text(encoding="utf-8")
    assert not RAW.search(text)
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 37
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@"))]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", ["plan", "init", "compare", "leaks", "predict", "report"])
def test_output_in_any_encoding(folder, monkeypatch, command, encoding):
    monkeypatch.chdir(folder)
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    arguments = CALLS[command][0] if command != "init" else ["d", "--out", f"{encoding}.yaml"]
    monkeypatch.setattr(sys, "argv", ["imbalkit", command, *arguments])
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code
