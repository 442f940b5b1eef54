"""A full disk at every write of a run: one sentence that says what is whole, and --resume comes to the same figures."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from imbalkit.errors import WriteError
from imbalkit.runs.folder import append_log, read_log
from imbalkit_lite import files
from imbalkit_lite.files import delete_temporaries, write_atomic, write_text
from tests.command_line import environment, imbalkit

pytestmark = pytest.mark.usefixtures("no_charts")

QUICK = (
    *("--set", "training.epochs=2", "--set", "backbone.width=8", "--set", "training.accelerator=cpu"),
    *("--set", "evaluation.resamples=0"),
)


@contextmanager
def largest_file(size):
    """Files of this process cannot grow above `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The test figures of a run that nothing disturbed."""
    cwd = tmp_path_factory.mktemp("whole")
    imbalkit("run", "digits", *QUICK, "--folder", "run", cwd=cwd)
    return json.loads((cwd / "run" / "metrics.json").read_text())["test"]


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("final.pt", "Saved so far: final up to epoch 1."),
        ("predictions.parquet", "Saved so far: final up to epoch 2."),
        ("plan.parquet", "final up to epoch 2"),
        ("model.safetensors", "kB needed"),
        ("report.html", "final up to epoch 2"),
        ("metrics.json", "final up to epoch 2"),
    ],
)
def test_each_file_of_a_run(file, said, whole, tmp_path, monkeypatch):
    real, tries = os.replace, []

    def no_room(source, target):
        if Path(target).name == file:
            tries.append(target)
            if file != "final.pt" or len(tries) == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", no_room)
        done = imbalkit("run", "digits", *QUICK, "--folder", "run", cwd=tmp_path, check=False)
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith("error: ")
    assert f"{file} cannot be written: the disk is full (" in error
    assert said in error
    assert error.endswith("go on with --resume")
    assert not list((tmp_path / "run").rglob("*.tmp"))
    imbalkit("run", "digits", *QUICK, "--folder", "run", "--resume", cwd=tmp_path)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["test"] == whole


def test_a_real_limit_in_the_first_checkpoint(tmp_path):
    with largest_file(30_000):
        done = imbalkit("run", "digits", *QUICK, "--folder", "run", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "final.pt cannot be written: the file is larger than" in done.stderr
    assert "Saved so far: nothing that took long" in done.stderr


def test_the_log(tmp_path):
    (tmp_path / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(WriteError, match=r"log.jsonl cannot be written: the disk is full \(.* free\)"):
        append_log(tmp_path, {"stage": "final", "epoch": 1})


@pytest.mark.parametrize("room", [0, 1, 40])
@pytest.mark.parametrize("cut", ["", '{"stage": "fin'])
def test_the_log_has_no_half_line(room, cut, tmp_path):
    log = tmp_path / "log.jsonl"
    append_log(tmp_path, {"stage": "final", "epoch": 1})
    log.write_text(log.read_text() + cut)
    before = log.read_bytes()
    with largest_file(len(before) + room), pytest.raises(WriteError, match=r"log\.jsonl cannot be written"):
        append_log(tmp_path, {"stage": "final", "epoch": 2, "loss": 0.123456789, "note": "x" * 9000})
    assert log.read_bytes() == before
    append_log(tmp_path, {"stage": "final", "epoch": 3})
    assert [entry["epoch"] for entry in read_log(tmp_path)] == [1, 3]


def test_commands_that_write_elsewhere(finished_run_of_digits, tmp_path):
    run, other = (shutil.copytree(finished_run_of_digits, tmp_path / name) for name in ("run", "other"))
    (tmp_path / "full").mkdir()
    for words in (
        ("report", run, "--out", "full/report.html"),
        ("compare", run, other, "--out", "full"),
    ):
        with largest_file(2_000):
            done = imbalkit(*words, cwd=tmp_path, check=False)
        assert done.returncode == 1, words
        assert "cannot be written" in done.stderr, words
    assert not any((tmp_path / "full").iterdir())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, as Linux has it")
@pytest.mark.parametrize("words", [["schema"], ["plan", "digits"], ["--version"]])
def test_an_output_that_takes_nothing_is_one_sentence(words, tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "imbalkit", *words],
            cwd=tmp_path, env=os.environ | environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("error: the output cannot be written: No space left on device\n")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.slow
def test_sigterm_leaves_nothing_of_predictions_that_are_being_written(finished_run_of_digits, tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "many.txt").write_text("a.png\n" * 300_000)
    with open(tmp_path / "many.txt") as paths:
        running = subprocess.Popen(
            [sys.executable, "-m", "imbalkit", "predict", finished_run_of_digits, "-", "--out", "found.csv"],
            cwd=tmp_path, env=os.environ | environment(tmp_path), stdin=paths, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob(".found.csv.*")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        running.terminate()
        _, said = running.communicate(timeout=120)
    assert running.returncode == 130
    assert said.splitlines()[-1] == "stopped"
    assert sorted(path.name for path in tmp_path.iterdir() if "found" in path.name) == []


def test_a_temporary_name_cannot_be_foreseen_and_a_link_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    names = []
    for _ in range(2):
        write_atomic(tmp_path / "a.txt", lambda path: (names.append(path.name), path.write_text("new")))
    assert names[0] != names[1]
    (tmp_path / "a.txt").unlink()
    (tmp_path / "a.txt").symlink_to(victim)
    write_text(tmp_path / "a.txt", "new")
    assert victim.read_text() == "precious"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_permissions_are_those_of_an_ordinary_file(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "new")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640


def test_threads_with_one_target_all_succeed(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: write_text(tmp_path / "a.txt", str(i) * 10_000), range(8)))
    text = (tmp_path / "a.txt").read_text()
    assert len(text) == 10_000
    assert len(set(text)) == 1


def test_what_killed_processes_left_is_deleted(tmp_path):
    left = tmp_path / "checkpoints" / ".final.pt.0123456789abcdef.tmp"
    left.parent.mkdir()
    left.write_text("half")
    (tmp_path / "mine.tmp").write_text("mine")
    delete_temporaries(tmp_path)
    assert not left.exists()
    assert (tmp_path / "mine.tmp").exists()


def test_a_folder_that_is_a_file_and_a_very_long_name(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="cannot be written"):
        write_text(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(WriteError, match="File name too long"):
        write_text(tmp_path / ("n" * 300), "x")
    write_text(tmp_path / ("n" * 250), "x")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_a_small_disk(tmp_path):
    (tmp_path / "disk").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", tmp_path / "disk"], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        done = imbalkit(
            "run", "digits", "--set", "backbone.width=32", "--folder", "disk/run", cwd=tmp_path, check=False
        )
    finally:
        subprocess.run(["umount", tmp_path / "disk"], check=True)
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert re.search(
        r"final\.pt cannot be written: the disk is full \(1\.\d MB needed, \d.* free\)\. Saved so far: nothing", error
    )


def test_a_library_that_hides_a_full_disk(tmp_path):
    def write(temporary):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:672]")

    with pytest.raises(WriteError, match=r"a\.pt cannot be written: the disk is full \(5\.0 MB needed, .* free\)"):
        write_atomic(tmp_path / "a.pt", write, 5_000_000)
    assert not any(tmp_path.iterdir())


def test_another_error_stays_what_it_is(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_atomic(tmp_path / "a.pt", lambda temporary: 1 / 0)
