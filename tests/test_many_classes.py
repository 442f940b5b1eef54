"""A run of very many classes says and writes no more than a person can read."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from tests.command_line import imbalkit

CLASSES = 150

RECIPE = """\
data: {name: arrays, file: t.npz}
split: {validation: 0.3, test: 0.3}
backbone: {name: small_cnn, width: 4}
training: {epochs: 1, batch_size: 64, threads: 1}
images: {size: 8}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    images = np.random.default_rng(0).integers(0, 256, (CLASSES * 6, 8, 8), dtype=np.uint8)
    np.savez(folder / "t.npz", images=images, labels=np.repeat(np.arange(CLASSES), 6))
    (folder / "r.yaml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def done(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("default", module="torch|kornia|timm|sklearn")
        return imbalkit("run", "r.yaml", "--folder", "run", cwd=folder)


def test_a_run_says_little_and_warns_of_nothing(done):
    lines = (done.stdout + done.stderr).splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) < 400
    assert f"of {CLASSES} classes" in done.stdout


def test_the_log_and_the_report_are_small(folder, done):
    (line,) = (folder / "run" / "log.jsonl").read_text().splitlines()
    assert len(line) < 80 * CLASSES  # a matrix of them would be CLASSES times that
    assert json.loads(line)["train_recall"].keys() == {str(name) for name in range(CLASSES)}
    assert (folder / "run" / "report.html").stat().st_size < 1_000_000


def test_other_commands_say_little_as_well(folder, done):
    said = [
        imbalkit("plan", "r.yaml", cwd=folder).stdout,
        imbalkit("init", "t.npz", "--out", "i.yaml", cwd=folder).stdout,
    ]
    said.append(imbalkit("compare", "run", "run", cwd=folder, check=False).stdout)
    for text in said:
        assert len(text.splitlines()) < 80
