"""What averaged views cost and gain: time of a picture and metrics of the validation rows, beside those of the plain picture."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from imbalkit.decision.decision import Decision
from imbalkit.engine.run_metrics import HeldOut, RunMetrics
from imbalkit.evaluation.evaluate import evaluate
from imbalkit.evaluation.intervals import repeated_groups
from imbalkit.evaluation.paired import paired_tests
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.evaluation.subgroups import shown
from imbalkit.functional.views import VIEWS, averaged
from imbalkit.kinds import Predictions
from imbalkit.plan import Plan
from imbalkit.training.trainer import Trainer

SHOWN = ("roc_auc", "balanced_accuracy", "log_loss")  # ranking, decisions and probabilities


@dataclass(frozen=True)
class PlainPictures:
    """The validation rows predicted without the views of the recipe.

    Attributes:
        logits: float32 [n, C]
        milliseconds: of a picture, reading it included: "plain" and "averaged"
    """

    logits: np.ndarray
    milliseconds: dict[str, float]


def predict(
    trainer: Trainer, model: nn.Module, views: str, rows: Mapping[str, Plan]
) -> tuple[dict[str, np.ndarray], PlainPictures | None]:
    """Logits of the rows of each split, float32 [n, C], over averaged views; with views also "validation" without them."""
    network = averaged(model, views)
    if network is model:
        return {split: trainer.predict(model, part) for split, part in rows.items()}, None
    validation = rows["validation"]
    trainer.predict(
        model, validation.select(np.arange(min(len(validation), trainer.session.settings.batch_size)))
    )  # warm up
    plain, slow = _timed(trainer, model, validation), _timed(trainer, network, validation)
    logits = {
        split: slow[0] if split == "validation" else trainer.predict(network, part) for split, part in rows.items()
    }
    return logits, PlainPictures(plain[0], {"plain": plain[1], "averaged": slow[1]})


def _timed(trainer: Trainer, network: nn.Module, rows: Plan) -> tuple[np.ndarray, float]:
    """Logits of rows, and milliseconds of one of them."""
    start = time.perf_counter()
    logits = trainer.predict(network, rows)
    return logits, round(1000 * (time.perf_counter() - start) / max(1, len(rows)), 4)


def views_facts(
    run: RunMetrics,
    views: str,
    validation: HeldOut,
    decision: Decision,
    plain: np.ndarray,
    plain_decision: Decision,
    settings: EvaluationSettings,
    seed: int,
) -> dict[str, Any]:
    """Metrics of the validation rows on plain pictures and on averaged views, and their paired difference; ready for JSON.

    Each has a decision of its own, fitted by the same settings on these very rows: what the run would have been without views.

    Args:
        run: metrics and classes
        views: name of the views
        validation: rows with averaged logits
        decision: what was fitted on these
        plain: logits of the same rows on plain pictures, [n, C]
        plain_decision: what was fitted on those
        settings: level and number of resamples
        seed: of the resamples
    """
    facts = {"views": views, "count": len(VIEWS[views]), "rows": len(validation.labels), "level": settings.level}
    if not len(validation.labels):
        return facts | {"gain": []}
    both = {
        "plain": run.predictions(validation.labels, plain, plain_decision),
        "averaged": run.predictions(validation.labels, validation.logits, decision),
    }
    return facts | {"gain": _gain(run, both, repeated_groups(validation.groups), settings, seed)}


def _gain(
    run: RunMetrics, both: dict[str, Predictions], groups: np.ndarray | None, settings: EvaluationSettings, seed: int
) -> list[dict[str, Any]]:
    metrics = [metric for metric in run.metrics if metric.name in SHOWN] or shown(run.metrics, run.positive)
    if not settings.resamples:
        values = {name: evaluate(each, metrics) for name, each in both.items()}
        pairs = {metric.name: [values[name][metric.name] for name in both] for metric in metrics}
        return [
            {"metric": name, "class": "", "plain": plain, "averaged": averaged, "difference": averaged - plain}
            for name, (plain, averaged) in pairs.items()
            if isinstance(plain, float) and isinstance(averaged, float)
        ]
    tests = paired_tests(both, metrics, groups, settings, seed).drop_duplicates(["metric", "class"])
    renamed = tests.rename(columns={"reference_value": "plain", "value": "averaged"})
    columns = ["metric", "class", "plain", "averaged", "difference", "low", "high", "test", "p"]
    return [{str(name): _known(item) for name, item in row.items()} for row in renamed[columns].to_dict("records")]


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
