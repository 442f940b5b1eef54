"""Launchers for clusters: pieces of work as SLURM jobs, or as tasks of a Ray cluster."""

from __future__ import annotations

from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import Launcher


@hookimpl
def register_launchers() -> list[type[Launcher]]:
    from imbalkit_cluster.ray_tasks import Ray
    from imbalkit_cluster.slurm import Slurm

    return [Ray, Slurm]
