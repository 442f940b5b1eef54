"""Tasks of a Ray cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imbalkit.kinds import Launcher, Session, param

GIB = 1 << 30


class Ray(Launcher):
    """Runs pieces of work as tasks of a Ray cluster; a piece whose machine fails goes on elsewhere from its checkpoint."""

    name = "ray"
    requires = {"ray": "imbalkit[ray]"}

    address: str = param(
        "auto", help="of the cluster; auto: as RAY_ADDRESS says, else the one of this machine; local: none"
    )
    cpus: float = param(1, help="CPU cores that are set aside for a piece", ge=0)
    gpus: float | None = param(
        None, help="GPUs a piece (default: training.devices, where the recipe says accelerator: cuda)", ge=0
    )
    memory: float | None = param(None, help="memory that is set aside for a piece (default: none)", unit="GiB", gt=0)
    resources: dict[str, float] = param(
        {}, help="resources of your own that a piece needs, as in `ray start --resources`"
    )
    max_retries: int = param(3, help="how often Ray begins a piece again whose machine or worker has failed", ge=0)
    jobs: int | None = param(None, help="how many are handed in at once (default: all, and Ray holds the queue)", ge=1)

    def open(self, folder: Path, pieces: int | None = None) -> Session:
        from imbalkit_cluster.ray_session import RaySession

        return RaySession(self.address, self.options)

    def options(self, devices: int) -> dict[str, Any]:
        """What Ray sets aside for a piece that uses so many GPUs."""
        return {
            "num_cpus": self.cpus,
            "num_gpus": devices if self.gpus is None else self.gpus,
            "memory": None if self.memory is None else int(self.memory * GIB),
            "resources": self.resources or None,
            "max_retries": self.max_retries,
        }

    def at_once(self) -> int | None:
        return self.jobs

    def on_this_machine(self) -> Launcher:
        return self.model_copy(update={"address": "local"})
