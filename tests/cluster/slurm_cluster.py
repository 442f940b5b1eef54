"""A SLURM cluster on this machine: munged, slurmctld and two slurmd, as processes in a temporary folder, on free ports."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1
SelectType=select/cons_tres
ReturnToService=2
SlurmdTimeout=8
SlurmctldTimeout=5
InactiveLimit=0
KillWait=2
MinJobAge=1800
JobRequeue=1
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus} RealMemory=2000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs={cpus} RealMemory=2000
PartitionName=both Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no such cluster here, "" if it can."""
    absent = [name for name in PROGRAMS if _program(name) is None]
    return f"no {', '.join(absent)} (Debian: slurm-wlm and munge)" if absent else ""


class SlurmCluster:
    """Two nodes n1 and n2 with `cpus` cores each; `environment` is what its commands need."""

    def __init__(self, cpus: int = 1):
        self._stack = ExitStack()
        # Not pytest's folder: a socket's path may have 107 characters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._cpus = cpus

    def __enter__(self) -> SlurmCluster:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        with suppress(subprocess.SubprocessError):
            self.run("scancel", "--me", "--signal=KILL")
        for name in [*self._processes]:
            self.kill(name, signal.SIGTERM)
        self._stack.close()

    def _begin(self) -> None:
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.folder.chmod(0o755)
        facts = {"host": socket.gethostname(), "user": getpass.getuser(), "folder": self.folder, "cpus": self._cpus}
        (self.folder / "slurm.conf").write_text(CONF.format(ports=_free_ports(3), **facts))
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        files["seed-file"] = "munged.seed"
        words = [f"--{option}={self.folder / name}" for option, name in files.items()]
        self._start("munged", "--foreground", "--force", *words)
        self._until(lambda: (self.folder / "munge.socket").exists(), "munged")
        self._start("slurmctld", "-D")
        for node in ("n1", "n2"):
            self.start_node(node)
        self._until(lambda: self.state("n1") == self.state("n2") == "idle", "the nodes")

    def start_node(self, node: str) -> None:
        """Start a node, at first or again."""
        (self.folder / f"spool-{node}").mkdir(exist_ok=True)
        self._start("slurmd", "-D", "-N", node, name=node)

    def kill_node(self, node: str) -> None:
        """As if its power were cut: slurmd, the jobs' helpers (slurmstepd) and all that they run.

        The helpers go first: one that saw its job killed would report it as failed, which a node without power cannot.
        """
        jobs = self.run("squeue", "--noheader", "--format=%A", f"--nodelist={node}").split()
        helpers = {f"slurmstepd: [{job}." for job in jobs}
        processes = {process: (_file(process, "cmdline"), _file(process, "environ")) for process in _all_processes()}
        of_node = {f"SLURM_CONF={self.folder / 'slurm.conf'}", f"SLURMD_NODENAME={node}"}
        self.kill(node, signal.SIGKILL)
        for process, (command, _) in processes.items():
            if command and command[0].startswith(tuple(helpers)):
                _kill(process)
        for process, (_, environment) in processes.items():
            if of_node <= {*environment}:
                _kill(process)

    def kill(self, name: str, how: signal.Signals) -> None:
        process = self._processes.pop(name)
        process.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        if process.poll() is None:
            process.kill()
            process.wait()

    def state(self, node: str) -> str:
        """Such as "idle"."""
        return self.run("sinfo", "--noheader", "--format=%T", f"--nodes={node}").strip().rstrip("*")

    def run(self, *words: str) -> str:
        """What a command of SLURM prints."""
        environment = os.environ | self.environment
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False).stdout

    def _start(self, program: str, *words: str, name: str = "") -> None:
        with open(self.folder / f"{name or program}.out", "ab") as log:
            self._processes[name or program] = subprocess.Popen(
                [str(_program(program)), *words],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _until(self, true: object, what: str) -> None:
        until = time.monotonic() + 60
        while not true():  # type: ignore[operator]
            if time.monotonic() > until:
                logs = "\n".join(
                    f"{path.name}: {path.read_text()[-1500:]}" for path in self.folder.glob("*.[ol][uo][tg]")
                )
                raise RuntimeError(f"{what} did not start:\n{logs}")
            time.sleep(0.2)


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _all_processes() -> list[str]:
    return [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]


def _file(process: str, name: str) -> list[str]:
    """The words of a file of /proc; none of a process that has ended."""
    try:
        return Path("/proc", process, name).read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def _kill(process: str) -> None:
    with suppress(OSError):  # it has ended
        os.kill(int(process), signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("", 0))
        return [one.getsockname()[1] for one in sockets]
