"""Processes of one run agree, or all of them end with the same sentence. Threads stand for them here, around one store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from torch.distributed import HashStore

from imbalkit.base.processes import Launch
from imbalkit.errors import DataError, RunError
from imbalkit.training import peers as module
from imbalkit.training.peers import Peers


@pytest.fixture
def together(monkeypatch):
    """Calls work(peers) as each of two processes; what each returns, or the exception that it raises."""
    store = HashStore()
    monkeypatch.setattr("torch.distributed.rendezvous", lambda url, rank, size, timeout: iter([(store, rank, size)]))
    monkeypatch.setattr(module, "VISIBLE", 0.2)
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")

    def process(rank, work):
        try:
            with Peers(Launch("torchrun", rank, 2, rank, 2, 0, 1, "127.0.0.1", 1)) as peers:
                return work(peers)
        except Exception as error:
            return error

    def run(work):
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda rank: process(rank, work), range(2)))

    return run


def test_values_come_from_every_process_and_answers_from_the_first(together):
    assert together(lambda peers: peers.gather(peers.rank * 2)) == [[0, 2]] * 2
    assert together(lambda peers: peers.first(lambda: peers.rank + 5)) == [5, 5]


def test_what_was_said_before_a_restart_counts_no_more(together):
    """torchrun keeps its store when it starts the processes again."""
    for value in ("before", "after"):
        assert together(lambda peers, value=value: peers.gather(value)) == [[value] * 2] * 2
    failed = together(lambda peers: peers.all(lambda: peers.rank or 1 / 0))
    assert isinstance(failed[0], ZeroDivisionError)
    assert together(lambda peers: peers.gather(1)) == [[1, 1]] * 2


def test_a_mistake_in_one_process_ends_all_with_its_message(together):
    def load(peers):
        if peers.rank == 1:
            raise DataError("the folder photographs is not there")
        return "loaded"

    first, second = together(lambda peers: peers.all(lambda: load(peers)))
    assert (type(first), str(first)) == (RunError, "process 1 of 2: the folder photographs is not there")
    assert (type(second), str(second)) == (DataError, "the folder photographs is not there")


def test_a_process_that_fails_alone_is_not_waited_for(together):
    def work(peers):
        if peers.rank == 1:
            raise MemoryError("no room")
        return peers.gather("waits")

    first, second = together(work)
    assert isinstance(second, MemoryError)
    assert str(first) == "process 1 of 2 failed: MemoryError: no room"


def test_a_broken_collective_gives_the_reason_of_the_other_process(together):
    def work(peers):
        if peers.rank == 1:
            raise DataError("the disk is full")
        raise RuntimeError("[gloo] Connection closed by peer [127.0.0.1]:5000")

    assert str(together(work)[0]) == "process 1 of 2 failed: the disk is full"


def test_other_facts_are_refused_by_all_with_their_names(together):
    facts = [{"labels": "ab", "classes": ["a"], "train": "1"}, {"labels": "cd", "classes": ["a"], "train": "2"}]
    errors = together(lambda peers: peers.agree(facts[peers.rank], "data", "give both the same"))
    assert all(isinstance(error, RunError) for error in errors)
    assert str(errors[0]) == str(errors[1])
    assert "process 1" in str(errors[0])
    assert "labels, train differ; give both the same" in str(errors[0])
    assert together(lambda peers: peers.agree(facts[0], "data", "")) == [None, None]


def test_a_run_folder_that_is_not_shared_is_refused_by_all(together, tmp_path):
    (tmp_path / "other").mkdir()
    places = [tmp_path, tmp_path / "other"]
    errors = together(lambda peers: peers.share_folder(places[peers.rank]))
    assert all("process 1" in str(error) and "does not see the run folder" in str(error) for error in errors)
    assert together(lambda peers: peers.share_folder(tmp_path)) == [None, None]
    assert [path.name for path in tmp_path.iterdir()] == ["other"]  # nothing is left


def test_one_process_alone_asks_nobody():
    with Peers(None) as alone:
        assert alone.gather(3) == [3]
        assert alone.in_turn(lambda: "decoded") == "decoded"
        alone.agree({"labels": "ab"}, "data", "")
