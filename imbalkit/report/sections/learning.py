"""What training did, epoch by epoch."""

from __future__ import annotations

from typing import Any

from imbalkit.base.text import numbers_text, sentence_list
from imbalkit.errors import RunError
from imbalkit.plots.run import drawing
from imbalkit.plots.run.training import epochs
from imbalkit.plots.svg import Chart
from imbalkit.report.charts import inline
from imbalkit.report.context import Report

STAGE = "stage-"  # before the name of a training that follows the final one
SIZE = (4.6, 3.1)  # inches
CHARTS = (  # name, title, description
    (
        "learning",
        "Recall of each class",
        "Recall of each class after each epoch, on validation as lines, on training rows dotted.",
    ),
    ("loss", "Loss", "Mean training loss of each epoch."),
    ("class_weights", "Class weights of the loss", "Weight of each class in the loss after each epoch."),
)


def values(report: Report) -> dict[str, Any] | None:
    """Recall, loss and class weights of the final training, and of each round before it; None without a log."""
    run = report.run
    stages = list(dict.fromkeys(str(entry.get("stage")) for entry in run.log))
    if "final" not in stages:
        return None
    others = [stage for stage in stages if stage != "final"]
    solved = {str(entry["stage"]): entry["solution"] for entry in run.log if "solution" in entry}
    after = [stage for stage in others if stage.startswith(STAGE)]
    included = {"rounds": len(after) < len(others), "stages": len(after) > 0}
    entries = epochs(run)
    last = entries[-1]
    named = [report.classes[code] for code in drawing.named(run)]
    return {
        "final": _charts(report, "final"),
        "rounds": [(_title(stage), _charts(report, stage)) for stage in others if _long(run, stage)],
        "short": [_title(stage) for stage in others if not _long(run, stage) and stage not in solved],
        "solved": [
            f"{_title(stage)} ({numbers_text(facts)})" if facts else _title(stage) for stage, facts in solved.items()
        ],
        "included": sentence_list(kind for kind, there in included.items() if there),
        "epochs": len(entries),
        "best": last.get("best_epoch"),
        "monitor": run.recipe["training"]["monitor"],
        "seconds": sum(entry.get("seconds", 0) for entry in run.log),
        "rate": last.get("rows_per_second"),
        "mixed": bool(report.part("mixer")),
        "deferred": run.deferred_epoch,
        "deferred_loss": bool((report.part("deferred") or {}).get("loss")),
        "validated": any("validation" in entry for entry in entries),
        "named": named if len(named) < len(report.classes) else [],
    }


def _long(run: Any, stage: str) -> bool:
    return len(epochs(run, stage)) > 1


def _title(stage: str) -> str:
    """ "loss_rank-0-round-2" as "loss rank, round 2", "stage-retrain-1" as "stage retrain"."""
    if stage.startswith(STAGE):
        name, _, number = stage.removeprefix(STAGE).rpartition("-")
        return f"stage {name.replace('_', ' ')}{'' if number == '1' else f', number {number}'}"
    name, _, number = stage.partition("-round-")
    return f"{name.rpartition('-')[0].replace('_', ' ')}, round {number}" if number else stage


def _charts(report: Report, stage: str) -> list[tuple[str, Chart]]:
    found = []
    for name, title, what in CHARTS:
        key = f"{name}-{stage}".replace("_", "-")
        try:
            found.append((title, inline(name, report.run, title, what, key, SIZE, stage=stage)))
        except RunError:  # the run has nothing to draw
            continue
    return found
