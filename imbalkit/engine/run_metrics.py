"""What metrics.json says of a run's rows: figures, their intervals, calibration, abstention and subgroups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from imbalkit.base.randomness import derive_seed
from imbalkit.data.table import RESERVED
from imbalkit.decision.decision import Decision
from imbalkit.decision.summary import abstention_facts, calibration_facts
from imbalkit.evaluation.evaluate import evaluate
from imbalkit.evaluation.intervals import interval_facts, units
from imbalkit.evaluation.subgroups import shown, subgroup_facts
from imbalkit.kinds import Predictions
from imbalkit.plan import Plan
from imbalkit.recipe.prepared import Prepared
from imbalkit.recipe.traverse import metrics_of


def predictions_of(
    prepared: Prepared, labels: np.ndarray, logits: np.ndarray, decision: Decision | None = None
) -> Predictions:
    """What the metrics see of rows, at the decision given, or else uncalibrated at one half.

    The probabilities are for the prior of the data, also where the decision is for another prevalence: these rows have that
    prior, and log loss or Brier score would mean nothing at another.
    """
    # At one half without a decision, or where there are more than two classes, at the most probable class.
    decision = decision or Decision(0.5 if len(prepared.classes) == 2 else None, positive=prepared.positive)
    return Predictions(
        labels.astype(np.int64),
        decision.at_data_prior(logits),
        decision.decide(logits),
        prepared.classes,
        prepared.positive,
        prepared.class_counts[0].counts.low,
        tuple(prepared.recipe.evaluation.prevalences),
    )


def figures(
    prepared: Prepared, labels: np.ndarray, logits: np.ndarray, decision: Decision | None = None
) -> dict[str, Any]:
    """Every metric of the recipe; arguments as `predictions_of`."""
    return evaluate(predictions_of(prepared, labels, logits, decision), metrics_of(prepared.recipe, prepared.catalogue))


def assess(
    prepared: Prepared, decision: Decision, sides: Mapping[str, Plan], logits: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """Everything that is said of the rows that training did not see, ready for JSON.

    Keys: test, validation (None without rows), test_at_one_half (where the decision differs from it), intervals, calibration,
    abstention (None without), subgroups.

    Args:
        prepared: recipe and data
        decision: what was fitted on validation
        sides: the rows of "validation" and "test"
        logits: of the same rows, float [n, C]
    """
    metrics, settings = metrics_of(prepared.recipe, prepared.catalogue), prepared.recipe.evaluation
    test = sides["test"]
    groups = None if prepared.table.groups is None else prepared.table.groups[test.source]
    seed = derive_seed(prepared.recipe.seed, "intervals")
    seen = {"test": predictions_of(prepared, test.label, logits["test"], decision)}
    if decision.corrections or decision.costs or decision.threshold not in (0.5, None):
        seen["test_at_one_half"] = predictions_of(prepared, test.label, logits["test"])
    unit, count = units(len(test), groups)
    metadata = prepared.table.frame.iloc[test.source].drop(columns=list(RESERVED), errors="ignore")
    return {
        **{name: evaluate(rows, metrics) for name, rows in seen.items()},
        "validation": figures(prepared, sides["validation"].label, logits["validation"], decision)
        if len(sides["validation"])
        else None,
        "intervals": {
            "level": settings.level,
            "resamples": settings.resamples,
            "unit": unit,
            "units": count,
            **{name: interval_facts(rows, metrics, groups, settings, seed) for name, rows in seen.items()},
        },
        "calibration": {
            side: calibration_facts(decision, logits[side], rows.label, prepared.classes)
            for side, rows in sides.items()
        },
        "abstention": _abstention(prepared, decision, sides, logits),
        "subgroups": subgroup_facts(
            seen["test"],
            metadata.reset_index(drop=True),
            groups,
            shown(metrics, prepared.positive),
            settings,
            seed,
        ),
    }


def _abstention(
    prepared: Prepared, decision: Decision, sides: Mapping[str, Plan], logits: Mapping[str, np.ndarray]
) -> dict[str, Any] | None:
    """What is left undecided on each side, and the figures of the rest; None where nothing is left."""
    if decision.abstention is None:
        return None
    found: dict[str, Any] = {"rule": decision.abstention.rule}
    for side, rows in sides.items():
        facts = abstention_facts(decision, logits[side], rows.label, prepared.classes)
        if facts is not None:
            covered = ~decision.abstains(logits[side])
            decided = figures(prepared, rows.label[covered], logits[side][covered], decision)
            found[side] = {**facts, "figures": decided}
    return found
