"""A folder is there whole or not at all, and what a killed process left is deleted by the next."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from imbalkit.base.folders import whole_folder
from imbalkit_lite.files import WriteError

WRITE = """
import sys, time
from imbalkit.base.folders import whole_folder
from pathlib import Path
with whole_folder(Path(sys.argv[1])) as beside:
    (beside / "half").write_text("half")
    print("writes", flush=True)
    time.sleep(60)
"""


def names(folder):
    return sorted(os.listdir(folder))


@pytest.fixture
def another(tmp_path):
    """Another process that writes the folder "new" until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path / "new")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writes\n"
    yield process
    process.kill()
    process.communicate()


def write(folder, text="whole"):
    with whole_folder(folder) as beside:
        (beside / "file").write_text(text)


def test_what_is_written_has_the_name_of_the_folder_at_the_end_and_nothing_is_left_beside_it(tmp_path):
    with whole_folder(tmp_path / "in" / "new") as beside:
        (beside / "file").write_text("whole")
        assert not (tmp_path / "in" / "new").exists()
    assert names(tmp_path / "in") == ["new"]
    assert names(tmp_path / "in" / "new") == ["file"]


def test_after_an_error_nothing_is_there(tmp_path):
    with pytest.raises(TypeError):
        write(tmp_path / "new", text=1)
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["new", "[n]ew*?", "n" * 240])
def test_what_a_killed_process_left_is_deleted_by_the_next(tmp_path, name):
    folder = tmp_path / name
    process = subprocess.run(
        [sys.executable, "-c", WRITE.replace("time.sleep(60)", "import os; os._exit(1)"), str(folder)], check=False
    )
    assert process.returncode == 1
    assert len(names(tmp_path)) == 1
    write(folder)
    assert names(tmp_path) == [name]


def test_what_another_process_writes_is_left_alone(tmp_path, another):
    with pytest.raises(TypeError):
        write(tmp_path / "new", text=1)
    [left] = names(tmp_path)
    assert sorted(os.listdir(tmp_path / left)) == [".lock", "half"]
    another.kill()
    another.communicate()
    write(tmp_path / "new")
    assert names(tmp_path) == ["new"]


def test_hidden_folders_of_others_are_left_alone(tmp_path):
    for name in (".new.mine.tmp", ".newer.0123.tmp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("mine")
    (tmp_path / ".newer.0123.tmp" / ".lock").touch()
    write(tmp_path / "new")
    assert names(tmp_path) == [".new.mine.tmp", ".newer.0123.tmp", "new"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="new cannot be written"):
        write(tmp_path / "file" / "new")
