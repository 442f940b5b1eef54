"""`imbalkit new`: a project of every kind is made, installed and tested as its author would do it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imbalkit.cli.new_project import TEMPLATES, part_kind, project_files, template_kinds
from imbalkit.kinds import KINDS
from tests.command_line import imbalkit


def test_there_is_a_template_for_every_kind(tmp_path):
    assert {part_kind(kind) for kind in template_kinds()} == set(KINDS)
    assert set(template_kinds()) - set(KINDS) == {"scored_sampler", "feature_sampler", "solved_stage"}
    assert "KIND is one of: augmentation," in " ".join(imbalkit("new", "--help", cwd=tmp_path).stdout.split())


@pytest.mark.parametrize("kind", template_kinds())
def test_every_name_is_put_in(kind):
    files = project_files(kind, "first_try")
    assert set(files) == {
        "pyproject.toml", "README.md", "recipe.yaml", "imbalkit_first_try/__init__.py", "imbalkit_first_try/part.py",
        "tests/conftest.py", "tests/test_part.py", "tests/test_plugin.py",
    }  # fmt: skip
    for path, text in files.items():
        assert "mine" not in text.lower().replace("determine", ""), path
        assert "KIND" not in text, path
    assert 'name = "imbalkit-first-try"' in files["pyproject.toml"]
    assert "class FirstTry(" in files["imbalkit_first_try/part.py"]


def test_a_loss_stays_under_twenty_lines():
    lines = (TEMPLATES / "loss" / "part.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) < 20


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["los", "mine"], "there is no kind of part 'los'; did you mean 'loss'? (kinds: augmentation, "),
        (["loss", "Focal-Plus"], "expected a name in lower case such as focal_plus"),
        (["loss", "_x"], "expected a name in lower case"),
        (["loss", "focal"], "imbalkit has a loss 'focal' already: choose another name"),
        (["scored_sampler", "loss_rank"], "imbalkit has a sampler 'loss_rank' already"),
        (["loss", "none"], "the class of 'none' would be None, a name of Python: choose another name"),
        (["sampler", "counts"], "the class of 'counts' would be Counts, a name of imbalkit.kinds"),
        (["loss", "lite"], "a package imbalkit_lite is installed already"),
        (["loss", "mine", "--dir", "full"], "is there already: choose another place with --dir"),
        (["loss", "mine", "--dir", "full/file"], "is there already: choose another place with --dir"),
    ],
)
def test_what_is_refused_writes_nothing(tmp_path, arguments, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    result = imbalkit("new", *arguments, cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert message in " ".join(result.stderr.split())
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "file"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    result = imbalkit("new", "loss", "mine", "--dir", "file/project", cwd=tmp_path, check=False)
    assert result.returncode == 1
    assert "cannot be written" in result.stderr


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "here").mkdir()
    result = imbalkit("new", "metric", "mine", "--dir", "here", cwd=tmp_path)
    assert (tmp_path / "here" / "imbalkit_mine" / "part.py").exists()
    assert "pip install -e 'here[test]'" in result.stdout


@pytest.mark.slow
def test_one_of_each_is_made_installed_and_tested(tmp_path):
    site, projects = tmp_path / "site", []
    for kind in template_kinds():
        imbalkit("new", kind, f"my_{kind}", cwd=tmp_path)
        projects.append(tmp_path / f"imbalkit-my-{kind.replace('_', '-')}")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(site)]
    result = subprocess.run([sys.executable, *install, *map(str, projects)], capture_output=True, text=True)
    if result.returncode and "hatchling" in result.stderr:
        pytest.skip("hatchling is not installed")
    assert result.returncode == 0, result.stderr
    paths = [str(site), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    tests = [str(project / "tests") for project in projects]
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # one root, so that each project has its own conftest.py
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", *tests]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-8000:]
    passed = int(result.stdout.split(" passed")[0].split()[-1])
    assert passed >= 5 * len(projects)
    for project in projects:
        assert Path(project / "recipe.yaml").exists()
