"""The loop over pieces of work, with a place that does what the test says."""

from __future__ import annotations

import json
import sys

import pytest

from imbalkit.builtin.launchers import Local
from imbalkit.engine import pool as pools
from imbalkit.engine.pool import Ended, open_pool, piece_of_work, run_all, with_jobs
from imbalkit.errors import RunError
from imbalkit.kinds import Launcher, Session, Work
from imbalkit.recipe.recipe import TrainingSettings


class Place(Session):
    """Keeps what was handed in; `states` has what `poll` will say of each piece, by turns."""

    pause = 0.001

    def __init__(self, **states):
        self.states = {name: list(given) for name, given in states.items()}
        self.submitted, self.cancelled, self.most, self.ended = [], [], 0, set()

    def submit(self, work):
        self.submitted.append(work.name)
        self.most = max(self.most, len(self.submitted) - len(self.ended))
        return f"{work.name}/{len(self.submitted)}"

    def poll(self, id):
        name = id.partition("/")[0]
        if name in self.cancelled:
            return -15
        state = self.states[name].pop(0) if self.states.get(name) else 0
        if state != "running":
            self.ended.add(id)
        return state

    def cancel(self, id):
        self.cancelled.append(id.partition("/")[0])


class Placed(Launcher):
    """Opens the place that the test gives it."""

    name = "placed"
    places: int | None = 2

    def open(self, folder, pieces=None):
        return PLACE[0]

    def at_once(self):
        return self.places


PLACE = []


@pytest.fixture
def run(tmp_path):
    """`run(place, *names)`: the pieces as they ended, and what was noted."""

    def call(place, *names, done=lambda name: False, places=2, launcher=None):
        PLACE[:] = [place]
        noted = []
        with open_pool(launcher or Placed(places=places), tmp_path, done, len(names), noted.append) as pool:
            ended = list(run_all(pool, [work(name) for name in names]))
        return ended, noted

    return call


def work(name):
    return Work(name, ("true",), "/")


def ids(folder):
    return json.loads((folder / "jobs.json").read_text())["jobs"]


def test_pieces_are_handed_in_in_order_as_places_get_free(run, tmp_path):
    place = Place(a=["running", "running", 3], b=[1], c=[2], d=[4])
    ended, _ = run(place, "a", "b", "c", "d")
    assert place.submitted == ["a", "b", "c", "d"]
    assert place.most == 2
    assert [(entry.work.name, entry.code) for entry in ended] == [("b", 1), ("c", 2), ("a", 3), ("d", 4)]
    assert not (tmp_path / "jobs.json").exists()


def test_a_place_with_a_queue_of_its_own_gets_all(run):
    place = Place(**{name: ["running", 1] for name in "abcd"})
    run(place, *"abcd", places=None)
    assert place.most == 4


def test_results_count_and_not_how_a_process_ended(run):
    ended, _ = run(Place(a=[-9], b=["lost"]), "a", "b", done=lambda name: True)
    assert [entry.code for entry in ended] == [0, 0]


def test_what_is_lost_goes_on_anew_three_times(run):
    place = Place(a=["running", "lost", "running", "lost", 5], b=["lost"] * 9)
    ended, noted = run(place, "a", "b")
    assert {entry.work.name: entry.code for entry in ended} == {"a": 5, "b": None}
    assert (place.submitted.count("a"), place.submitted.count("b")) == (3, 4)
    assert sum("a was lost" in text for text in noted) == 2
    assert "lost 4 times" in next(entry.why for entry in ended if entry.code is None)


def test_a_failure_is_not_tried_again(run):
    place = Place(a=[1], b=[-9])
    ended, _ = run(place, "a", "b")
    assert place.submitted == ["a", "b"]
    assert [entry.why for entry in ended] == ["ended with exit code 1", "ended by SIGKILL (often: too little memory)"]


def test_results_may_appear_late(run, monkeypatch):
    looks = iter([False, False, True])
    ended, _ = run(Place(a=[0, 0, 0]), "a", done=lambda name: next(looks))
    assert ended[0].code == 0
    monkeypatch.setattr(pools, "APPEAR", 0.01)
    assert "on a disk that all machines share?" in run(Place(a=[0] * 999), "a")[0][0].why


def test_an_interrupted_program_cancels_what_is_at_work(tmp_path):
    PLACE[:] = [place := Place(a=["running"] * 999, b=["running"] * 999)]

    def interrupted():
        with open_pool(Placed(), tmp_path, lambda name: False) as pool:
            pool.submit(work("a"), work("b"))
            assert set(ids(tmp_path)) == {"a", "b"}
            assert pool.free == 0
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert place.cancelled == ["a", "b"]
    assert not (tmp_path / "jobs.json").exists()


def test_one_piece_is_cancelled(tmp_path):
    PLACE[:] = [Place(a=["running"] * 999, b=["running"] * 9)]
    with open_pool(Placed(), tmp_path, lambda name: name == "b") as pool:
        pool.submit(work("a"), work("b"))
        assert pool.wait(0.005) == []
        pool.cancel("a")
        assert pool.wait() == [Ended(work("a"), -15, cancelled=True)]
        assert pool.wait() == [Ended(work("b"), 0)]
        assert pool.wait() == []


@pytest.mark.parametrize("launcher", ["placed", "another"])
def test_a_killed_program_finds_its_pieces_again(run, tmp_path, launcher):
    known = {"launcher": launcher, "jobs": {"a": "a/1", "b": "b/2", "unwanted": "unwanted/3"}}
    (tmp_path / "jobs.json").write_text(json.dumps(known))
    place = Place(a=["running", "running", 7], b=["lost", 8, 8], c=[9])
    ended, noted = run(place, "a", "b", "c")
    if launcher == "placed":
        assert place.submitted == ["b", "c"]
        assert {entry.work.name: entry.code for entry in ended} == {"a": 7, "b": 8, "c": 9}
        assert noted == ["a is at work since an earlier start"]
        assert place.cancelled == ["unwanted"]
    else:  # whose ids mean nothing to this one
        assert set(place.submitted) == {"a", "b", "c"}


def test_ids_that_are_not_taken_up_yet_are_kept(tmp_path):
    (tmp_path / "jobs.json").write_text(json.dumps({"launcher": "placed", "jobs": {"a": "a/1", "b": "b/2"}}))
    PLACE[:] = [Place(a=["running"] * 99, b=["running"] * 99)]
    with open_pool(Placed(places=1), tmp_path, lambda name: False) as pool:
        pool.submit(work("a"))
        assert ids(tmp_path) == {"a": "a/1", "b": "b/2"}


def test_processes_of_this_machine_from_end_to_end(tmp_path):
    def piece(name, code):
        return Work(name, (sys.executable, "-c", code), str(tmp_path), log=str(tmp_path / name))

    works = [piece("good", "open('good.done', 'w'); print('here')"), piece("bad", "raise SystemExit('no')")]
    with open_pool(Local(jobs=2), tmp_path, lambda name: (tmp_path / f"{name}.done").exists(), 2) as pool:
        ended = {entry.work.name: entry.code for entry in run_all(pool, works)}
    assert ended == {"good": 0, "bad": 1}
    assert ((tmp_path / "good").read_text(), (tmp_path / "bad").read_text()) == ("here\n", "no\n")
    assert {path.name for path in tmp_path.iterdir()} == {"good", "good.done", "bad"}


def test_a_piece_of_work_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("IMBALKIT_CACHE", "/scratch")
    monkeypatch.setenv("SLURM_JOB_ID", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.chdir(tmp_path)
    piece = piece_of_work("a", ["imbalkit", "run"], TrainingSettings(devices=4, threads=2), tmp_path / "log")
    assert piece.command == (sys.executable, "-m", "imbalkit", "run")
    assert (piece.directory, piece.log) == (str(tmp_path), str(tmp_path / "log"))
    assert (piece.devices, piece.threads) == (4, 2)
    assert piece.environment["IMBALKIT_CACHE"] == "/scratch"
    assert not {"SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES", "RANK"} & set(piece.environment)


@pytest.mark.parametrize(
    ("settings", "gpus"),
    [
        ({}, 0),  # auto may be the CPU
        ({"accelerator": "cuda"}, 1),
        ({"accelerator": "cpu", "devices": 4}, 0),
        ({"devices": "auto"}, 0),
    ],
)
def test_gpus_that_a_recipe_surely_uses(settings, gpus):
    assert piece_of_work("a", ["x"], TrainingSettings(**settings)).devices == gpus


def test_jobs_are_refused_where_there_are_none():
    assert with_jobs(Local(), 3).jobs == 3
    assert with_jobs(Placed(), None) == Placed()
    with pytest.raises(RunError, match="'placed' has no number of jobs: leave out --jobs"):
        with_jobs(Placed(), 3)
