"""What a reader wants to know first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from imbalkit.base.text import count, percent
from imbalkit.report.cautions import cautions
from imbalkit.report.context import Report
from imbalkit.report.metric_values import MetricValue
from imbalkit.report.recipe_words import correction_sentence, decision_sentence


@dataclass(frozen=True)
class Card:
    """A headline metric: its name, value and interval, and the counts behind it."""

    label: str
    value: str
    interval: str
    detail: str


def values(report: Report) -> dict[str, Any]:
    """The metrics at the chosen decision, with what limits them."""
    run = report.run
    counts = np.asarray(run.metrics["test"]["confusion_matrix"])
    cards: list[Card] = []
    if counts.sum():
        cards = _of_positive(report, counts) if run.positive is not None else _of_classes(report, counts)
    area = report.metric("roc_auc")
    if area is not None:
        how = (
            f"probability that a row of {report.positive} ranks above another row"
            if report.positive
            else "mean of each class against the rest"
        )
        cards.append(Card("ROC AUC", area.shown, area.interval, how))
    intervals = run.metrics.get("intervals") or {}
    return {
        "cards": cards,
        "cautions": cautions(report),
        "decision": decision_sentence(run),
        "correction": correction_sentence(run),
        "n": int(counts.sum()),
        "level": intervals.get("level"),
        "one_half": _one_half(report),
    }


def _share(report: Report, name: str, key: str | None, hits: int, of: int, label: str, detail: str) -> Card:
    """A share with the interval that metrics.json has for it, or none."""
    metric = report.metric(name, key) or MetricValue(name, hits / of if of else None, key=key)
    return Card(label, percent(metric.value), metric.interval, detail)


def _of_positive(report: Report, counts: np.ndarray) -> list[Card]:
    run, positive = report.run, report.run.positive
    name, other = str(report.positive), run.other
    hits, total = int(counts[positive, positive]), int(counts[positive].sum())
    predicted, rest = int(counts[:, positive].sum()), int(counts.sum() - total)
    passed = rest - (predicted - hits)
    found = [
        _share(
            report,
            "recall",
            name,
            hits,
            total,
            f"sensitivity (recall of {name})",
            f"{count(hits)} of {count(total)}; {count(total - hits)} missed",
        )
    ]
    alarm = report.metric("false_alarm_rate")
    spared = MetricValue("recall", passed / rest if rest else None)
    if alarm is not None and alarm.low is not None and alarm.high is not None:
        spared = MetricValue("recall", spared.value, 1 - alarm.high, 1 - alarm.low)
    detail = f"{count(passed)} of {count(rest)}; {count(rest - passed)} false alarms"
    found.append(Card(f"specificity ({other} not predicted {name})", percent(spared.value), spared.interval, detail))
    found.append(
        _share(
            report,
            "precision",
            name,
            hits,
            predicted,
            f"precision (PPV of {name})",
            f"{count(hits)} of {count(predicted)} rows predicted {name}",
        )
    )
    return found


def _of_classes(report: Report, counts: np.ndarray) -> list[Card]:
    totals = counts.sum(axis=1)
    recalls = np.divide(np.diag(counts), totals, out=np.full(len(totals), np.nan), where=totals > 0)
    found = []
    balanced = report.metric("balanced_accuracy")
    if balanced is not None:
        detail = f"mean recall of {(totals > 0).sum()} classes"
        if (totals == 0).any():
            detail += f"; {(totals == 0).sum()} without test rows"
        found.append(Card("balanced accuracy", balanced.shown, balanced.interval, detail))
    worst = int(np.nanargmin(recalls))
    name = report.classes[worst]
    found.append(
        _share(
            report, "recall", name, int(counts[worst, worst]), int(totals[worst]), f"lowest recall: {name}",
            f"{count(counts[worst, worst])} of {count(totals[worst])}",
        )
    )  # fmt: skip
    hits, n = int(np.trace(counts)), int(counts.sum())
    found.append(_share(report, "accuracy", None, hits, n, "accuracy", f"{count(hits)} of {count(n)}"))
    return found


def _one_half(report: Report) -> str:
    """The recalls at one half, where another threshold was chosen."""
    half = report.run.metrics.get("test_at_one_half")
    if not half or not half["n"] or report.run.positive is None:
        return ""
    counts, positive = np.asarray(half["confusion_matrix"]), report.run.positive
    total = counts[positive].sum()
    others = counts.sum() - total
    passed = others - (counts[:, positive].sum() - counts[positive, positive])
    sensitivity = percent(counts[positive, positive] / total if total else None)
    specificity = percent(passed / others if others else None)
    what = "of the members' mean" if "ensemble" in report.run.metrics else "uncalibrated"
    return f"At a threshold of 0.5, {what}, the sensitivity would be {sensitivity} and the specificity {specificity}."
