"""A finished run made a model again, from the files of its run folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from imbalkit.recipe.prepared import Prepared
from imbalkit.runs.ensemble import restore_ensemble
from imbalkit.runs.network import restore_network
from imbalkit.runs.restored import Restored
from imbalkit.runs.results import RunData


def restore(
    folder: str | os.PathLike[str],
    device: str | torch.device | None = None,
    metrics: Mapping[str, Any] | None = None,
    prepared: Prepared | None = None,
) -> Restored:
    """The model of a finished run, of an ensemble, or of the folds of a cross-validation together.

    No weights but the run's are loaded, and the data are not read before they are needed.

    Args:
        folder: the run folder
        device: where to compute (default: as the recipe says, or the CPU where that device is not there)
        metrics, prepared: what a plugin's `report_sections` is given, when metrics.json is not there yet and the data are at
            hand

    Raises:
        RunError: no run folder, a run that is not finished, a plugin that is not installed, weights that are missing or do not
            fit, a device that this machine lacks
    """
    run = RunData(Path(folder).absolute(), metrics)
    return restore_ensemble(run, device, prepared) if run.members else restore_network(run, device, prepared)
