"""Who started this process: every kind of launcher as its environment variables tell."""

import os
import subprocess
import sys

import pytest
from lightning_fabric import Fabric

from imbalkit.base.processes import cluster, is_first_process, launched, own_environment, unused_tasks
from tests.command_line import imbalkit

ALLOCATION = {  # what sbatch -N 2 -n 4 gives its script
    "SLURM_JOB_ID": "170",
    "SLURM_JOB_NAME": "wrap",
    "SLURM_NTASKS": "4",
    "SLURM_NNODES": "2",
    "SLURM_NODELIST": "n[3-4]",
    "SLURM_TASKS_PER_NODE": "2(x2)",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
}
STEP = ALLOCATION | {  # and what srun gives the last of its tasks
    "SLURM_STEP_ID": "1",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
    "SLURM_STEP_NODELIST": "n[3-4]",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_TASK_PID": str(os.getpid()),
}
TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "2",
    "LOCAL_RANK": "0",
    "GROUP_RANK": "1",
    "WORLD_SIZE": "3",
    "LOCAL_WORLD_SIZE": "1",
    "GROUP_WORLD_SIZE": "2",
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "29500",
}


@pytest.fixture
def environ(monkeypatch):
    """Sets the variables of a launcher, and none of another one."""

    def replace(variables):
        for name in os.environ:
            if name.startswith(("SLURM_", "TORCHELASTIC_")) or name in TORCHRUN:
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return replace


@pytest.mark.parametrize(
    ("variables", "unused"),
    [
        ({}, 0),
        (ALLOCATION, 3),
        (ALLOCATION | {"SLURM_NTASKS": "1"}, 0),
        (STEP | {"SLURM_STEP_NUM_TASKS": "1", "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}, 0),  # srun --pty bash
        ({"RANK": "3", "WORLD_SIZE": "4"}, 0),  # left over in a shell
    ],
    ids=["laptop", "sbatch", "sbatch of one task", "srun of one task", "stray rank"],
)
def test_a_process_that_no_launcher_started_with_others_stands_alone(variables, unused, environ):
    environ(variables)
    assert launched() is None
    assert is_first_process()
    assert unused_tasks() == unused


@pytest.mark.parametrize("name", ["wrap", "bash", "interactive"])
def test_a_task_of_srun_knows_its_place_whatever_the_job_is_called(name, environ):
    environ(STEP | {"SLURM_JOB_NAME": name})
    launch = launched()
    assert (launch.launcher, launch.rank, launch.processes) == ("srun", 3, 4)
    assert (launch.local_rank, launch.local_processes, launch.node, launch.nodes) == (1, 2, 1, 2)
    assert (launch.address, launch.port) == ("n3", 15171)
    assert not is_first_process()


def test_tasks_that_are_not_even_over_the_nodes(environ):
    environ(STEP | {"SLURM_STEP_TASKS_PER_NODE": "3,1", "SLURM_LOCALID": "0"})
    launch = launched()
    assert (launch.local_processes, launch.nodes, launch.processes) == (1, 2, 4)


def test_two_steps_of_a_job_meet_at_two_ports(environ):
    environ(STEP)
    first = launched().port
    environ(STEP | {"SLURM_STEP_ID": "2"})
    assert launched().port != first
    environ(STEP | {"MASTER_ADDR": "10.1.1.1", "MASTER_PORT": "4000"})
    assert (launched().address, launched().port) == ("10.1.1.1", 4000)


@pytest.mark.slow
def test_a_shell_of_srun_with_many_tasks_is_one_process(environ):
    """`srun -n 4 --pty bash`: its shell has a terminal, and srun did not start what is typed there."""
    pty = pytest.importorskip("pty")
    code = "import imbalkit.base.processes as p; raise SystemExit(0 if p.launched() is None and p.unused_tasks() == 3 else 3)"
    environ(STEP | {"SLURM_TASK_PID": "1", "SLURM_JOB_NAME": "bash"})
    with_terminal = pty.spawn([sys.executable, "-c", code], lambda descriptor: os.read(descriptor, 1024))
    assert os.waitstatus_to_exitcode(with_terminal) == 0
    # A script that srun started, without a terminal, which starts Python: one of four.
    script = subprocess.run([sys.executable, "-c", code], start_new_session=True)
    assert script.returncode == 3


@pytest.mark.parametrize("slurm", [{}, STEP], ids=["alone", "inside a step of srun"])
def test_a_worker_of_torchrun_knows_its_place(slurm, environ):
    environ(slurm | TORCHRUN)
    launch = launched()
    assert (launch.launcher, launch.rank, launch.processes) == ("torchrun", 2, 3)
    assert (launch.local_rank, launch.local_processes, launch.node, launch.nodes) == (0, 1, 1, 2)
    assert (launch.address, launch.port) == ("10.0.0.1", 29500)
    assert not is_first_process()


def test_a_run_started_by_a_worker_of_torchrun_is_a_run_of_its_own(environ):
    environ(TORCHRUN | {"PATH": os.environ["PATH"]})
    inner = own_environment()
    assert launched(inner) is None
    assert "MASTER_PORT" not in inner
    assert inner["PATH"] == os.environ["PATH"]


def test_fabric_is_told_of_the_launch_and_looks_for_no_cluster(environ, recwarn):
    environ(ALLOCATION)
    fabric = Fabric(accelerator="cpu", devices=1, plugins=[cluster(launched())])
    assert (fabric.world_size, fabric.global_rank) == (1, 0)
    environ(STEP)
    found = cluster(launched())
    assert (found.world_size(), found.global_rank(), found.local_rank(), found.node_rank()) == (4, 3, 1, 1)
    assert not [warning for warning in recwarn if "srun" in str(warning.message)]


def test_a_run_in_an_allocation_without_srun_runs(environ, tmp_path, recwarn, monkeypatch):
    """And Lightning's hint about srun is not shown, in an allocation or where srun is merely installed."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "srun").touch(mode=0o755)
    environ(ALLOCATION)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    quick = ("--set", "training.epochs=1", "--set", "metrics=[balanced_accuracy]", "--set", "training.accelerator=cpu")
    done = imbalkit("run", "digits", *quick, "--folder", "run", cwd=tmp_path)
    assert (tmp_path / "run" / "metrics.json").exists()
    assert "SLURM allots several tasks, this is one process" in done.stderr
    assert "HINT" not in done.stderr
    assert not [warning for warning in recwarn if "srun" in str(warning.message)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("training.nodes=2", "training.nodes is 2, but this process was started alone"),
        ("training.nodes=0", "expected 1 or more nodes, got 0"),
        ("training.nodes=all", "expected a whole number or 'auto', got 'all'"),
    ],
)
def test_wrong_numbers_of_nodes_are_refused(settings, message, environ, tmp_path):
    environ({})
    done = imbalkit("run", "digits", "--set", settings, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_sweep_is_not_started_by_several_processes(environ, tmp_path):
    environ(STEP)
    (tmp_path / "grid.yaml").write_text("base: digits\nseeds: [0]\n")
    done = imbalkit("sweep", "grid.yaml", cwd=tmp_path, check=False)
    assert "a sweep starts processes of its own: start it without srun" in done.stderr
    assert not (tmp_path / "sweeps").exists()
