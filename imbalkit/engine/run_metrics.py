"""What metrics.json says of the rows that training did not see: metrics, intervals, calibration, abstention, subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.data.table import RESERVED
from imbalkit.decision.decision import Decision
from imbalkit.decision.summary import abstention_facts, calibration_facts
from imbalkit.evaluation.evaluate import evaluate
from imbalkit.evaluation.intervals import interval_facts, units
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.evaluation.subgroups import shown, subgroup_facts
from imbalkit.kinds import Metric, Predictions
from imbalkit.plan import Plan
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.traverse import metrics_of


@dataclass(frozen=True)
class HeldOut:
    """The samples of validation or test, and the network's logits of them.

    Attributes:
        samples: positions in the table, int [n]
        labels: label codes, int64 [n]
        groups: codes of what samples belong to, int [n]; None without
        logits: float32 [n, C]
    """

    samples: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None
    logits: np.ndarray

    @classmethod
    def of(cls, rows: Plan, groups: np.ndarray | None, logits: np.ndarray) -> HeldOut:
        """Rows and their logits; `groups` are those of the whole table."""
        return cls(rows.source, rows.label.astype(np.int64), None if groups is None else groups[rows.source], logits)


@dataclass(frozen=True)
class RunMetrics:
    """The metrics of a run, and what they need to know of its classes.

    Attributes:
        metrics: the recipe's
        classes: class names
        positive: code of the positive class; None without
        train_counts: training rows of each class before any sampler
        prevalences: shares of the positive class to give predictive values at
    """

    metrics: Sequence[Metric]
    classes: tuple[str, ...]
    positive: int | None
    train_counts: tuple[int, ...]
    prevalences: tuple[float, ...] = ()

    @classmethod
    def of(cls, prepared: Prepared) -> RunMetrics:
        """Those of a run."""
        recipe, train_counts = prepared.recipe, prepared.table.counts(prepared.split.train)
        metrics, prevalences = metrics_of(recipe, prepared.catalogue), tuple(recipe.evaluation.prevalences)
        return cls(metrics, prepared.classes, prepared.positive, train_counts, prevalences)

    def predictions(self, labels: np.ndarray, logits: np.ndarray, decision: Decision | None = None) -> Predictions:
        """What the metrics see of rows, at the decision given, or else uncalibrated at one half.

        The probabilities are for the prior of the data, also where the decision is for another prevalence: these rows have
        that prior, and log loss or Brier score would mean nothing at another.
        """
        # At one half without a decision, or where there are more than two classes, at the most probable class.
        decision = decision or Decision(0.5 if len(self.classes) == 2 else None, positive=self.positive)
        return Predictions(
            labels.astype(np.int64),
            decision.at_data_prior(logits),
            decision.decide(logits),
            self.classes,
            self.positive,
            self.train_counts,
            self.prevalences,
        )

    def values(self, labels: np.ndarray, logits: np.ndarray, decision: Decision | None = None) -> dict[str, Any]:
        """Every metric of rows; arguments as `predictions`."""
        return evaluate(self.predictions(labels, logits, decision), self.metrics)


def evaluate_run(
    run: RunMetrics,
    decision: Decision,
    held_out: Mapping[str, HeldOut],
    settings: EvaluationSettings,
    frame: pd.DataFrame,
    seed: int,
) -> dict[str, Any]:
    """Everything that is reported of the rows that training did not see, ready for JSON.

    Keys: test, validation (None without rows), test_at_one_half (where the decision differs from it), intervals, calibration,
    abstention (None without), subgroups.

    Args:
        run: metrics and classes
        decision: what was fitted on validation
        held_out: "validation" and "test"
        settings: intervals and subgroups
        frame: the table's columns, a row a sample
        seed: of the resamples
    """
    validation, test = held_out["validation"], held_out["test"]
    seen = {"test": run.predictions(test.labels, test.logits, decision)}
    if decision.corrections or decision.costs or decision.threshold not in (0.5, None):
        seen["test_at_one_half"] = run.predictions(test.labels, test.logits)
    unit, count = units(len(test.labels), test.groups)
    metadata = frame.iloc[test.samples].drop(columns=list(RESERVED), errors="ignore").reset_index(drop=True)
    compared = shown(run.metrics, run.positive)
    return {
        **{name: evaluate(rows, run.metrics) for name, rows in seen.items()},
        "validation": run.values(validation.labels, validation.logits, decision) if len(validation.labels) else None,
        "intervals": {
            "level": settings.level,
            "resamples": settings.resamples,
            "unit": unit,
            "units": count,
            **{name: interval_facts(rows, run.metrics, test.groups, settings, seed) for name, rows in seen.items()},
        },
        "calibration": {
            split: calibration_facts(decision, rows.logits, rows.labels, run.classes)
            for split, rows in held_out.items()
        },
        "abstention": _abstention(run, decision, held_out),
        "subgroups": subgroup_facts(seen["test"], metadata, test.groups, compared, settings, seed),
    }


def _abstention(run: RunMetrics, decision: Decision, held_out: Mapping[str, HeldOut]) -> dict[str, Any] | None:
    """What is left undecided of each split, and the metrics of the rest; None where every row is decided."""
    if decision.abstention is None:
        return None
    found: dict[str, Any] = {"rule": decision.abstention.rule}
    for split, rows in held_out.items():
        facts = abstention_facts(decision, rows.logits, rows.labels, run.classes)
        if facts is not None:
            decided = ~decision.abstains(rows.logits)
            found[split] = {**facts, "metrics": run.values(rows.labels[decided], rows.logits[decided], decision)}
    return found
