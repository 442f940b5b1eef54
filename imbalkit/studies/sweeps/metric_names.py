"""The metrics that a run will have, by the names of their columns."""

from __future__ import annotations

import numpy as np

from imbalkit.engine.run_metrics import RunMetrics
from imbalkit.recipe.prepared import Prepared
from imbalkit.studies.sweeps.results import flat_metrics


def example_metrics(prepared: Prepared) -> dict[str, float | None]:
    """Values on made-up rows, by column, such as recall_melanoma; None for those that are not defined for its classes."""
    classes = len(prepared.classes)
    labels = np.tile(np.arange(classes), 4)
    logits = np.random.default_rng(0).normal(size=(len(labels), classes)).astype(np.float32)
    return flat_metrics(RunMetrics.of(prepared).values(labels, logits))
