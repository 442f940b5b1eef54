"""The launcher slurm, on two nodes of a SLURM cluster that is started for it on this machine."""

from __future__ import annotations

import signal

import pytest

from imbalkit.errors import RunError
from imbalkit.kinds import Work
from imbalkit.testing import Setting
from imbalkit.testing.launchers import check_launcher
from tests.cluster.slurm_cluster import SlurmCluster, missing
from tests.cluster.sweeping import EPOCHS, Sweep, search_with

pytest.importorskip("submitit")
from imbalkit_cluster.slurm import Slurm
from imbalkit_cluster.slurm_session import Piece, _slim

pytestmark = pytest.mark.slow
needs_slurm = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.fixture
def cluster():
    with SlurmCluster() as started:
        yield started


class OnTheCluster(Slurm):
    """Is checked where it is, and not in its local mode."""

    def on_this_machine(self):
        return self


@needs_slurm
def test_it_keeps_the_rules_on_a_cluster(cluster, monkeypatch):
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    check_launcher(OnTheCluster(every=0.5), Setting())
    refused = Slurm(partition="nowhere")
    with (
        pytest.raises(RunError, match="SLURM did not take the job: .*partition"),
        refused.open(cluster.folder) as session,
    ):
        session.submit(Work("a", ("true",), "/"))


@needs_slurm
def test_a_node_fails_and_the_sweep_is_killed(cluster, tmp_path):
    """A cell loses what it did since its checkpoint, and nothing is repeated or called failed."""
    sweep = Sweep(
        tmp_path, "{name: slurm, every: 0.5, cpus: 1, memory: 1GB, options: {comment: a test}}", cluster.environment
    )
    process = sweep.start()
    sweep.until(lambda: min(len(sweep.epochs(0)), len(sweep.epochs(1))) > 2, "two cells begin, one a node")
    process.kill()
    process.wait()
    ids = sweep.jobs()
    assert set(ids) == {"seed-0", "seed-1", "seed-2"}
    assert len({id.partition("_")[0] for id in ids.values()}) == 1  # one job array
    where = cluster.run("squeue", "--noheader", "--array", "--nodelist=n1", "--format=%i").split()
    hit = int(next(name for name, id in ids.items() if id in where)[-1])
    cluster.kill_node("n1")
    before = sweep.epochs(hit)
    assert len(before) < EPOCHS

    process = sweep.start("--resume")
    sweep.until(lambda: cluster.state("n1") == "down", "SLURM sees that the node is gone")
    cluster.start_node("n1")
    _, said = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert said.count("is at work since an earlier start") >= 1
    assert "failed" not in said
    assert "lost" not in said  # SLURM itself queued it again
    sweep.assert_whole()
    sweep.assert_went_on(hit, len(before))
    assert all(sweep.printed(seed).count("run folder") == (2 if seed == hit else 1) for seed in range(3))
    assert cluster.run("squeue", "--noheader", "--states=all", "--array", "--format=%A").split().count("1") <= 3


def test_pieces_on_this_machine_are_cancelled_from_a_job_in_the_background():
    """A shell starts such a job with SIGINT ignored, and so its processes would be."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        check_launcher(Slurm(cluster="local"), Setting())
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@needs_slurm
def test_an_interrupted_sweep_cancels_its_jobs(cluster, tmp_path):
    sweep = Sweep(tmp_path, "{name: slurm, every: 0.5}", cluster.environment)
    process = sweep.start()
    sweep.until(lambda: len(sweep.epochs(0)) > 0, "a cell begins")
    process.terminate()
    process.communicate(timeout=120)
    sweep.until(lambda: not cluster.run("squeue", "--noheader"), "the queue is empty", 30)
    assert not sweep.jobs()
    assert not list((sweep.path / "errors").iterdir())


@needs_slurm
def test_a_search_runs_its_trials_and_refits_as_jobs(cluster, tmp_path):
    pytest.importorskip("optuna")
    trials, refits = search_with(tmp_path, "{name: slurm, every: 0.5}", cluster.environment)
    assert list(trials["state"]) == ["finished"] * 3
    names = cluster.run("squeue", "--noheader", "--states=all", "--array", "--format=%i %T").splitlines()
    assert len(names) == len(trials) + len(refits), names
    assert all(name.endswith("COMPLETED") for name in names)


def test_a_piece_is_queued_again_as_it_is():
    piece = Piece(Work("a", ("true",), "/"))
    again = piece.checkpoint()
    assert again.function.work == piece.work
    assert piece() == 0
    assert Piece(Work("a", ("no-such-program",), "/nowhere"))() == 127


def test_no_file_holds_what_sbatch_passes_on(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    work = Work("a", ("true",), "/", {"SECRET": "x", "IMBALKIT_THREADS": "2"})
    assert _slim(work).environment == {"IMBALKIT_THREADS": "2"}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PENDING", "running"),
        ("REQUEUED", "running"),
        ("COMPLETING", "running"),
        ("CANCELLED", -15),
        ("OUT_OF_MEMORY", -9),
        ("NODE_FAIL", "lost"),
        ("TIMEOUT", "lost"),
        ("", "lost"),
    ],
)
def test_states_of_slurm(tmp_path, monkeypatch, state, expected):
    monkeypatch.setattr("shutil.which", lambda name: name)
    session = Slurm().open(tmp_path)
    monkeypatch.setattr(session, "_state", lambda id: state)
    assert session.poll("3_1") == expected


def test_options_of_sbatch(tmp_path, monkeypatch):
    monkeypatch.setattr("submitit.SlurmExecutor.affinity", classmethod(lambda cls: 2))
    launcher = Slurm(partition="gpu", time=90, memory="16GB", options={"account": "mine", "exclusive": True})
    text = launcher.executor(tmp_path, 2, 4)._make_submission_file_text("true", "x")
    for line in (
        "partition=gpu",
        "time=90",
        "mem=16GB",
        "gpus-per-node=2",
        "cpus-per-task=4",
        "account=mine",
        "exclusive",
    ):
        assert f"#SBATCH --{line}\n" in text
    assert "#SBATCH --requeue" in text
    assert "--cpus-per-task=4" in next(line for line in text.splitlines() if line.startswith("srun"))


def test_a_machine_without_slurm_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunError, match="does not find sbatch, squeue, scancel, srun: start this on a login node"):
        Slurm().open(tmp_path)
