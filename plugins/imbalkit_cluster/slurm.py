"""SLURM jobs, which submitit hands in."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imbalkit.kinds import Launcher, RunError, Session, param

if TYPE_CHECKING:
    from submitit.core.core import PicklingExecutor

TIMEOUTS = 100  # how often a piece that reaches its time limit is queued again


class Slurm(Launcher):
    """Runs pieces of work as jobs of SLURM, many at once as a job array; each goes on from its checkpoint after a time limit."""

    name = "slurm"
    requires = {"submitit": "imbalkit[slurm]"}

    cluster: Literal["slurm", "local"] = param(
        "slurm", help="local: processes of this machine, to try it without SLURM"
    )
    partition: str | None = param(None, help="partition, or several with commas (default: SLURM's)")
    time: int = param(
        60, help="time limit of a job; a piece that reaches it is queued again and goes on", unit="minutes", ge=1
    )
    gpus: int | None = param(
        None, help="GPUs a job (default: training.devices, where the recipe says accelerator: cuda)", ge=0
    )
    cpus: int | None = param(None, help="CPU cores a job (default: training.threads, else SLURM's)", ge=1)
    memory: str | None = param(None, help='memory a job, such as "16GB" (default: SLURM\'s)')
    jobs: int | None = param(
        None, help="how many are handed in at once (default: all, and SLURM holds the queue)", ge=1
    )
    every: float = param(5.0, help="how often SLURM is asked for the queue", unit="seconds", gt=0)
    options: dict[str, str | int | bool] = param(
        {}, help="more options of sbatch, such as {account: mine, qos: low}; true for one without a value"
    )

    def open(self, folder: Path, pieces: int | None = None) -> Session:
        from imbalkit_cluster.slurm_session import LocalSession, SlurmSession

        folder.mkdir(parents=True, exist_ok=True)
        if self.cluster == "local":
            return LocalSession(folder, partial(self.executor, folder))
        missing = [program for program in ("sbatch", "squeue", "scancel", "srun") if shutil.which(program) is None]
        if missing:
            raise RunError(
                f"the launcher slurm does not find {', '.join(missing)}: start this on a login node of the cluster, or set "
                "launcher.cluster=local to try it without SLURM"
            )
        return SlurmSession(folder, partial(self.executor, folder), self.every)

    def at_once(self) -> int | None:
        return self.jobs

    def on_this_machine(self) -> Launcher:
        return self.model_copy(update={"cluster": "local"})

    def executor(self, folder: Path, devices: int, threads: int | None) -> PicklingExecutor:
        """What hands in jobs for pieces that use so many GPUs and threads."""
        import submitit

        gpus = devices if self.gpus is None else self.gpus
        if self.cluster == "local":
            here = submitit.LocalExecutor(folder, max_num_timeout=TIMEOUTS)
            here.update_parameters(timeout_min=self.time, **({"gpus_per_node": gpus} if gpus else {}))
            return here
        cpus = self.cpus or threads
        # srun asks for cores itself: since SLURM 22.05 it does not take over those of sbatch.
        given: dict[str, Any] = {
            "partition": self.partition,
            "gpus_per_node": gpus or None,
            "cpus_per_task": cpus,
            "mem": self.memory,
            "srun_args": [f"--cpus-per-task={cpus}"] if cpus else None,
        }
        executor = submitit.SlurmExecutor(folder, max_num_timeout=TIMEOUTS)
        executor.update_parameters(
            job_name="imbalkit",
            time=self.time,
            signal_delay_s=min(90, self.time * 60 // 4),
            stderr_to_stdout=True,
            array_parallelism=self.jobs or 10_000,
            additional_parameters={"requeue": True, **self.options},
            **{name: value for name, value in given.items() if value is not None},
        )
        return executor
