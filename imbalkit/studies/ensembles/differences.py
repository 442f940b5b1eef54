"""The members of an ensemble beside it: their metrics on the same test rows, and how much they differ from each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.engine.run_metrics import RunMetrics
from imbalkit.evaluation.intervals import repeated_groups
from imbalkit.evaluation.paired import metric_rows, paired_tests
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.functional.ensembles import disagreement, pairs, score_correlation
from imbalkit.kinds import Metric, Predictions
from imbalkit.recipe.difference import recipe_difference, show_difference
from imbalkit.runs.members import Member
from imbalkit.runs.pool import Pool

LEAST_ROWS = 30  # that two members have both held out, to say how they differ
COMPARED = ("roc_auc", "balanced_accuracy", "log_loss")


def ensemble_facts(
    whole: Pool, run: RunMetrics, names: list[str], settings: EvaluationSettings, seed: int
) -> dict[str, Any]:
    """What metrics.json says of the members, under `ensemble`.

    Keys: members (folder, where it came from, name, seed, recipe_hash, weights_sha256, views,
    what differs in its recipe);
    decided_on ("validation", or "out_of_fold": each row by the members that were not trained on it) with `rows` and `said_by`
    (how many rows had so many members); compared (metrics of each member and the ensemble on the test rows, with the paired
    difference; None without test rows); diversity (of each pair of members; None where too few rows are held out by both).
    """
    counts = np.bincount(whole.said_by, minlength=len(whole.members) + 1)
    return {
        "members": [
            _member(whole.members.first, member, name) for member, name in zip(whole.members.runs, names, strict=True)
        ],
        "decided_on": "out_of_fold" if whole.out_of_fold else "validation",
        "rows": len(whole.validation),
        "said_by": {str(number): int(count) for number, count in enumerate(counts) if count},
        "compared": _compared(whole, run, names, settings, seed),
        "diversity": _diversity(whole, names),
    }


def _member(first: Member, member: Member, name: str) -> dict[str, Any]:
    facts = member.run.facts
    return {
        "folder": name,
        "from": str(member.run.folder),
        "name": member.run.name,
        "seed": facts.get("seed"),
        "recipe_hash": facts.get("recipe_hash"),
        "weights_sha256": member.weights_sha256,
        "views": member.recipe.predict.views,
        "differs": show_difference(recipe_difference(first.run.recipe, member.run.recipe)),
    }


def _compared(
    whole: Pool, run: RunMetrics, names: list[str], settings: EvaluationSettings, seed: int
) -> dict[str, Any] | None:
    """Each member against the ensemble, both as they decide, on the rows that neither has seen."""
    rows = whole.test
    if not len(rows):
        return None
    labels = whole.labels[rows]
    found = {"": run.predictions(labels, whole.rows.log_mean[rows], whole.decision)}
    for number, (name, member) in enumerate(zip(names, whole.members.runs, strict=True)):
        found[name] = run.predictions(labels, whole.rows.logits[number, rows], member.decision)
    parts = [metric for metric in run.metrics if metric.name in COMPARED]
    groups = None if whole.groups is None else repeated_groups(whole.groups[rows])
    settings = settings.model_copy(update={"resamples": min(settings.resamples, 1000)})
    tests = _tests(found, parts, groups, settings, seed)
    entries = []
    for name, predictions in found.items():
        values = {}
        for row in metric_rows(name, predictions, parts, groups, settings, seed).itertuples() if parts else ():
            values[str(row.metric)] = {
                "value": _number(row.value),
                "low": _number(row.low),
                "high": _number(row.high),
                **tests.get((name, str(row.metric)), {}),
            }
        entries.append({"folder": name, "metrics": values})
    return {"rows": len(rows), "unit": "row" if groups is None else "group", "level": settings.level, "runs": entries}


def _tests(
    found: dict[str, Predictions],
    parts: list[Metric],
    groups: np.ndarray | None,
    settings: EvaluationSettings,
    seed: int,
) -> dict[tuple[str, str], dict[str, Any]]:
    """The difference of each member from the ensemble, with its interval and the test that gives it; empty without resamples."""
    if not settings.resamples or not parts:
        return {}
    frame = paired_tests(found, parts, groups, settings, seed).drop_duplicates(["run", "metric", "class"])
    return {
        (str(row["run"]), str(row["metric"])): {
            "difference": _number(row["difference"]),
            "difference_low": _number(row["low"]),
            "difference_high": _number(row["high"]),
            "test": row["test"],
        }
        for row in frame.to_dict("records")
        if not row["class"]
    }


def _diversity(whole: Pool, names: list[str]) -> dict[str, Any] | None:
    """Of each pair of members on the rows that both have held out: disagreement of decisions, correlation of probabilities."""
    known, found = whole.rows.known, []
    for a, b in pairs(len(names)):
        rows = np.flatnonzero(known[a] & known[b])
        if len(rows) < LEAST_ROWS:
            continue
        decisions, scores = [], []
        for number in (a, b):
            logits, decision = whole.rows.logits[number, rows], whole.members.runs[number].decision
            decisions.append(decision.decide(logits))
            scores.append(
                _scores(np.exp(whole.members.log_probabilities(number, logits)), whole.members.first.run.positive)
            )
        correlation = score_correlation(np.stack(scores))[0]
        found.append(
            {
                "pair": [names[a], names[b]],
                "rows": len(rows),
                "disagreement": float(disagreement(np.stack(decisions))[0]),
                "correlation": _number(correlation),
            }
        )
    return {"pairs": found} if found else None


def _scores(probabilities: np.ndarray, positive: int | None) -> np.ndarray:
    """What a correlation is of: probabilities of the positive class [n], or of every class [n * C]."""
    return probabilities.ravel() if positive is None else probabilities[:, positive]


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
