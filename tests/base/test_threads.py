"""Processes that work beside each other share the cores."""

import json
import os
import sys
import time

import pytest

from imbalkit.base import threads
from imbalkit.base.threads import available_cores, share, sharing, spin_less
from imbalkit.builtin.launchers import Local
from imbalkit.kinds import Work
from tests.command_line import imbalkit

CHILD = """\
import json, os, sys, torch
with open(sys.argv[1], "w") as file:
    json.dump([torch.get_num_threads(), os.environ.get("IMBALKIT_THREADS")], file)
"""


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(threads, "_quota", lambda: 1 << 20)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", threads.SHARE):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("processes", "each"), [(1, None), (2, 4), (3, 2), (8, 1), (50, 1)])
def test_cores_are_shared(eight_cores, processes, each):
    assert share(processes) == each


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_the_users_environment_is_left_alone(eight_cores, name):
    assert sharing(2, {name: "3"}) == {}


def test_processes_of_a_process_that_has_a_share_divide_it(eight_cores):
    inner = sharing(2, sharing(2, {}))
    assert inner == {"IMBALKIT_THREADS": "2", "OMP_NUM_THREADS": "2"}
    assert available_cores(inner) == 2


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 1 << 20),
        ({"cpu.max": "max 100000\n"}, 1 << 20),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1 << 20),
    ],
)
def test_a_containers_quota_counts(tmp_path, files, cores):
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert threads._quota(tmp_path) == cores


@pytest.mark.parametrize("way", ["-m", "-c"])  # a fork of a process that has imported torch; a new process
@pytest.mark.slow
def test_what_the_local_launcher_starts_uses_its_share(eight_cores, monkeypatch, tmp_path, way):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    (tmp_path / "child_of_launcher.py").write_text(CHILD)
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "child_of_launcher" if way == "-m" else CHILD
    works = [
        Work(str(index), (sys.executable, way, code, str(tmp_path / f"{index}.json")), str(tmp_path))
        for index in range(2)
    ]
    with Local(jobs=2).open(tmp_path, 2) as session:
        ids = session.submit_all(works)
        while "running" in [session.poll(id) for id in ids]:
            time.sleep(0.05)
        assert [session.poll(id) for id in ids] == [0, 0]
    assert [json.loads((tmp_path / f"{index}.json").read_text()) for index in range(2)] == [[1, "1"]] * 2


def test_a_run_says_how_many_threads_it_had(tmp_path):
    quick = ("--set", "training.epochs=1", "--set", "metrics=[balanced_accuracy]", "--set", "training.accelerator=cpu")
    imbalkit("run", "digits", *quick, "--set", "training.threads=1", "--folder", "run", cwd=tmp_path)
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (facts["processes"], facts["threads"]) == (1, 1)


@pytest.mark.parametrize(
    ("before", "busy", "after"),
    [
        ({}, True, {"GOMP_SPINCOUNT": "2000"}),
        ({}, False, {}),
        ({"GOMP_SPINCOUNT": "7"}, True, {"GOMP_SPINCOUNT": "7"}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, True, {"OMP_WAIT_POLICY": "ACTIVE"}),
    ],
)
def test_threads_spin_less_beside_other_work_unless_the_user_says_how_to_wait(before, busy, after, monkeypatch):
    monkeypatch.setattr(threads, "others_compute", lambda: busy)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    environment = dict(before)
    spin_less(environment)
    assert environment == after


@pytest.mark.parametrize(
    ("spent", "busy"),
    [((0, 0, 0, 10, 0), False), ((5, 0, 0, 5, 0), True), ((0, 0, 0, 5, 5), False), ((0, 0, 0, 0, 0), False)],
)
def test_what_the_ticks_say_of_others(spent, busy, monkeypatch):
    looks = iter([[100] * 8, [100 + number for number in (*spent, 0, 0, 0)]])
    monkeypatch.setattr(threads, "_ticks", lambda file: next(looks))
    assert threads.others_compute(seconds=0) == busy


def test_where_nothing_says_what_others_do_nothing_is_changed(tmp_path):
    assert not threads.others_compute(tmp_path / "gone")
    (tmp_path / "odd").write_text("no numbers")
    assert not threads.others_compute(tmp_path / "odd")
