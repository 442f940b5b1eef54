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
    """A headline figure: what it is, its value, its interval, and what it was counted on."""

    label: str
    value: str
    interval: str
    detail: str


def values(report: Report) -> dict[str, Any]:
    """The figures at the chosen decision, with what limits them."""
    run = report.run
    counts = np.asarray(run.metrics["test"]["confusion_matrix"])
    cards = _of_positive(report, counts) if run.positive is not None else _of_classes(report, counts)
    area = report.metric("roc_auc")
    if area is not None:
        how = (
            f"chance that a row of {report.positive} ranks above another"
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
    figure = report.metric(name, key) or MetricValue(name, hits / of if of else None, key=key)
    return Card(label, percent(figure.value), figure.interval, detail)


def _of_positive(report: Report, counts: np.ndarray) -> list[Card]:
    run, positive = report.run, report.run.positive
    name, other = str(report.positive), run.other
    hits, total = int(counts[positive, positive]), int(counts[positive].sum())
    called, rest = int(counts[:, positive].sum()), int(counts.sum() - total)
    passed = rest - (called - hits)
    found = [
        _share(
            report,
            "recall",
            name,
            hits,
            total,
            f"{name} found",
            f"{count(hits)} of {count(total)}; {count(total - hits)} missed",
        )
    ]
    alarm = report.metric("false_alarm_rate")
    spared = MetricValue("recall", passed / rest if rest else None)
    if alarm is not None and alarm.low is not None and alarm.high is not None:
        spared = MetricValue("recall", spared.value, 1 - alarm.high, 1 - alarm.low)
    detail = f"{count(passed)} of {count(rest)}; {count(rest - passed)} false alarms"
    found.append(Card(f"{other} not called {name}", percent(spared.value), spared.interval, detail))
    found.append(
        _share(
            report,
            "precision",
            name,
            hits,
            called,
            f"calls of {name} that are right",
            f"{count(hits)} of {count(called)} calls",
        )
    )
    return found


def _of_classes(report: Report, counts: np.ndarray) -> list[Card]:
    run = report.run
    totals = counts.sum(axis=1)
    recalls = np.divide(np.diag(counts), totals, out=np.full(len(totals), np.nan), where=totals > 0)
    found = []
    balanced = report.metric("balanced_accuracy")
    if balanced is not None:
        found.append(
            Card("balanced accuracy", balanced.shown, balanced.interval, f"mean recall of {len(totals)} classes")
        )
    worst = int(np.nanargmin(recalls))
    name = run.classes[worst]
    found.append(
        _share(
            report, "recall", name, int(counts[worst, worst]), int(totals[worst]), f"worst class: {name} found",
            f"{count(counts[worst, worst])} of {count(totals[worst])}",
        )
    )  # fmt: skip
    hits, n = int(np.trace(counts)), int(counts.sum())
    found.append(_share(report, "accuracy", None, hits, n, "all rows decided rightly", f"{count(hits)} of {count(n)}"))
    return found


def _one_half(report: Report) -> str:
    """The recalls at one half, where another threshold was chosen."""
    half = report.run.metrics.get("test_at_one_half")
    if not half or report.run.positive is None:
        return ""
    counts, positive = np.asarray(half["confusion_matrix"]), report.run.positive
    total = counts[positive].sum()
    others = counts.sum() - total
    passed = others - (counts[:, positive].sum() - counts[positive, positive])
    return (
        f"At the usual threshold of one half, uncalibrated, {percent(counts[positive, positive] / max(1, total))} of "
        f"{report.positive} would be found and {percent(passed / max(1, others))} of {report.run.other} not called so."
    )
