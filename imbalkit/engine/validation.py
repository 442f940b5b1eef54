"""The metrics of the validation rows after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from imbalkit.decision.decision import Decision
from imbalkit.engine.run_metrics import RunMetrics
from imbalkit.plan import Plan
from imbalkit.training.trainer import Network, Trainer, Validate

MOST_IN_LOG = 36  # classes of which the log has a confusion matrix each epoch
DECIDED = "decided"  # among the metrics of an epoch: those at the decision that is fitted on its rows


def validation(
    trainer: Trainer, metrics: RunMetrics, rows: Plan, fit: Callable[[np.ndarray], Decision] | None = None
) -> Validate | None:
    """Gives the metrics of the validation rows after each epoch, as the log has them; None without rows.

    Args:
        trainer: predicts the rows
        metrics: the run's
        rows: of validation
        fit: fits the recipe's decision on their logits, float32 [n, C]; the metrics at it are then given, too (`decided`)
    """

    def validate(model: Network) -> dict[str, Any]:
        logits = trainer.predict(model, rows)
        values = metrics.values(rows.label, logits)
        if len(metrics.classes) > MOST_IN_LOG:
            del values["confusion_matrix"]
        if fit is not None:
            decided = metrics.values(rows.label, logits, fit(logits))
            del decided["confusion_matrix"]
            values[DECIDED] = decided
        return values

    return validate if len(rows) else None
