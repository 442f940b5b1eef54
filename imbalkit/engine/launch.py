"""The devices of a run: Lightning Fabric, as the recipe or a launcher says, and processes that this one starts for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from imbalkit.base.processes import Launch, cluster, without_main
from imbalkit.base.threads import share
from imbalkit.errors import ImbalkitError, RunError
from imbalkit_lite.command_line import write_any_name
from imbalkit_lite.files import write_text

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from imbalkit.recipe.recipe import TrainingSettings

PRECISIONS: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}


def create_fabric(settings: TrainingSettings, launch: Launch | None = None) -> Fabric:
    """The devices that a recipe asks for, not yet launched.

    Args:
        settings: devices, nodes, precision and threads
        launch: this process among those that torchrun or srun started (default: it was started alone)

    Raises RunError for devices that are not there, or that are not those of the launch.
    """
    import torch
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    devices, nodes = settings.devices, 1 if settings.nodes == "auto" else settings.nodes
    if launch is not None:
        devices, nodes = _launched_devices(settings, launch)
    elif nodes > 1:
        raise RunError(
            f"training.nodes is {nodes}, but this process was started alone: start one a device with torchrun or srun, or set "
            "training.nodes=auto"
        )
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    strategy: Any = "auto"
    if devices != 1 or nodes != 1:
        start: Literal["popen", "spawn"] = "spawn" if launch is None else "popen"
        strategy = DDPStrategy(start_method=start, find_unused_parameters=settings.freeze_epochs > 0)
    try:
        return Fabric(
            accelerator=settings.accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy,
            precision=PRECISIONS[settings.precision],
            plugins=[cluster(launch)],
        )
    except Exception as error:  # Lightning refuses devices that are not there with several types
        raise RunError(
            f"training.accelerator {settings.accelerator}, devices {settings.devices} and precision {settings.precision} do "
            f"not go together on this machine: {error}"
        ) from error


def _launched_devices(settings: TrainingSettings, launch: Launch) -> tuple[int, int]:
    """Devices a machine and machines, as the launcher started them. Raises RunError if the recipe says otherwise."""
    devices = launch.local_processes if settings.devices == "auto" else settings.devices
    nodes = launch.nodes if settings.nodes == "auto" else settings.nodes
    as_started = settings.devices == "auto" and settings.nodes == "auto"
    if not as_started and devices * nodes != launch.processes:
        raise RunError(
            f"{launch.processes} processes were started, the recipe says {devices} devices on {nodes} nodes: set "
            "training.devices (a node) and training.nodes to what the launcher starts, or to auto"
        )
    return launch.local_processes, launch.nodes


def spawn(fabric: Fabric, work: Callable[[Fabric], None], folder: Path, threads: int | None) -> None:
    """Do the work in a process for each device; a user's mistake comes back as its message.

    Args:
        fabric: several devices
        work: a function, or a partial of one, that can be pickled
        folder: the run folder, through which a message comes back
        threads: of each process (default: its share of the cores)
    """
    from lightning_fabric.strategies import ParallelStrategy
    from torch.multiprocessing.spawn import ProcessException

    if threads is None and isinstance(fabric.strategy, ParallelStrategy):
        threads = share(len(fabric.strategy.parallel_devices or ()))
    message = folder / ".error"
    message.unlink(missing_ok=True)
    try:
        with without_main():
            fabric.launch(partial(_work_and_report, work=work, message=message, threads=threads))
    except ProcessException:
        if message.exists():
            raise RunError(message.read_text(encoding="utf-8")) from None
        raise


def _work_and_report(fabric: Fabric, work: Callable[[Fabric], None], message: Path, threads: int | None) -> None:
    import torch

    write_any_name()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        work(fabric)
    except ImbalkitError as error:
        write_text(message, str(error))
        raise
