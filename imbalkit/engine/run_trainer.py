"""The trainer of a run: its session, and how it is stopped from outside."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from imbalkit.engine.events import RunEvents
from imbalkit.runs import folder as run_folder

if TYPE_CHECKING:
    import pandas as pd
    from lightning_fabric import Fabric

    from imbalkit.base.progress import Progress
    from imbalkit.data.image_store import ImageStore
    from imbalkit.kinds import Metric
    from imbalkit.recipe.prepared import Prepared
    from imbalkit.training.peers import Peers
    from imbalkit.training.trainer import Trainer


def trainer_of(
    fabric: Fabric,
    peers: Peers,
    folder: Path,
    prepared: Prepared,
    images: ImageStore,
    events: RunEvents,
    progress: Progress,
) -> Trainer:
    """Of a prepared run, in its folder."""
    from imbalkit.training.column_branch import ColumnInputs
    from imbalkit.training.rendered_cache import RenderedCache
    from imbalkit.training.session import TrainingSession
    from imbalkit.training.trainer import Trainer

    recipe, frame = prepared.recipe, prepared.table.frame
    gib, monitor = recipe.images.render_cache_gib, recipe.training.monitor
    metric = None if monitor == "last" else cast("type[Metric]", prepared.catalogue.get("metric", monitor))
    session = TrainingSession(
        fabric=fabric,
        images=images,
        settings=recipe.training,
        seed=recipe.seed,
        head=recipe.head,
        augment=recipe.augment,
        positive=prepared.positive,
        higher_is_better=metric is None or metric.higher_is_better,
        rendered=RenderedCache(images.shape, gib) if gib else None,
        inputs=ColumnInputs.of(recipe.inputs, prepared.encoding),
        encoding=prepared.encoding,
        columns=prepared.columns,
        progress=progress,
        sample_names=lambda samples: _sample_names(frame, samples),
    )
    return Trainer(session, folder / run_folder.CHECKPOINTS, peers, events.epoch_finished, partial(_stop, folder))


def _stop(folder: Path, stage: str, epoch: int) -> str:
    """Why the run ends after this epoch; "" if it goes on."""
    if not (folder / run_folder.STOP).exists():
        return ""
    return f"stopped after epoch {epoch} of {stage}, as the file {folder / run_folder.STOP} asks; --resume goes on"


def _sample_names(frame: pd.DataFrame, samples: np.ndarray) -> list[str]:
    """What a person finds samples by: their paths, or their positions in the arrays."""
    return frame["path"].iloc[samples].tolist() if "path" in frame else [f"sample {sample}" for sample in samples]
