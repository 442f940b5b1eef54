"""No command replaces a file that it reads."""

import numpy as np
import pytest
from PIL import Image

from tests.command_line import imbalkit

RECIPE = "data: {name: table, file: labels.csv, label_column: label}\nimages: {size: 8}\n"


@pytest.fixture
def project(tmp_path):
    random = np.random.default_rng(0)
    lines = ["path,label"]
    for place in range(24):
        Image.fromarray(random.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(tmp_path / f"{place}.png")
        lines.append(f"{place}.png,{'ab'[place % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "r.yaml").write_text(RECIPE)
    (tmp_path / "link.csv").symlink_to(tmp_path / "labels.csv")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ["leaks", "r.yaml", "--out", "labels.csv"],
        ["leaks", "r.yaml", "--out", "link.csv"],
        ["leaks", "r.yaml", "--out", "r.yaml"],
        ["init", "labels.csv", "--out", "labels.csv", "--force"],
        ["predict", "RUN", "labels.csv", "--out", "labels.csv"],
        ["predict", "RUN", "0.png", "link.csv", "--out", "./labels.csv"],
    ],
)
def test_what_is_read_is_not_replaced(project, finished_run_of_digits, words):
    before = {path.name: path.read_bytes() for path in project.iterdir()}
    words = [str(finished_run_of_digits) if word == "RUN" else word for word in words]
    done = imbalkit(*words, cwd=project, check=False)
    assert done.returncode == 1
    assert "that is read, and would be replaced: choose another name" in " ".join(done.stderr.split())
    assert {path.name: path.read_bytes() for path in project.iterdir()} == before


def test_other_files_are(project):
    (project / "pairs.csv").write_text("of before")
    imbalkit("leaks", "r.yaml", "--out", "pairs.csv", cwd=project)
    assert (project / "pairs.csv").read_text().startswith("check,")
