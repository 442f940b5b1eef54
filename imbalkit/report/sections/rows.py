"""What the model was trained on: class counts through every sampler, and their effect on the prior."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.base.parameters import described
from imbalkit.base.text import expected_text, part_text, ratio_text
from imbalkit.plan import Counts, balance_ratio
from imbalkit.recipe.epochs import Epochs, are_plain, epochs_of, explanations
from imbalkit.report.context import Report
from imbalkit.report.sections.probabilities import prior_facts
from imbalkit.runs.results import RunData

MOST_CLASSES = 8  # in a column each; of more, the rarest and the largest


def values(report: Report) -> dict[str, Any]:
    """Class counts by stage, with test and validation above it."""
    run = report.run
    shown = list(range(len(report.classes)))
    if len(shown) > MOST_CLASSES:
        rare = run.smallest_first
        shown = [*rare[: MOST_CLASSES - 2], *rare[-2:]]
    samplers = report.part("samplers") or []
    stages = [
        {
            "stage": _stage(row["stage"], samplers),
            "counts": [row["counts"][code] for code in shown],
            "total": sum(row["counts"]),
            "ratio": ratio_text(balance_ratio(row["counts"], run.positive)),
        }
        for row in run.metrics["class_counts"]
    ]
    splits = []
    for split in ("test", "validation"):
        counts = np.bincount(run.split_rows(split).labels, minlength=len(report.classes)).tolist()
        if sum(counts):
            splits.append(
                {
                    "stage": "held out by some members" if run.out_of_fold and split == "validation" else split,
                    "counts": [counts[code] for code in shown],
                    "total": sum(counts),
                    "ratio": ratio_text(balance_ratio(counts, run.positive)),
                }
            )
    removed = report.prepared.table.removed_counts() if report.prepared is not None else {}
    return {
        "classes": [report.classes[code] for code in shown],
        "hidden": len(report.classes) - len(shown),
        "positive_at": shown.index(run.positive) if run.positive in shown else None,
        "splits": splits,
        "stages": stages,
        "largest": max(max(row["counts"]) for row in stages),
        "ratio_of": f"{report.positive} to {run.other}"
        if report.positive and len(report.classes) == 2
        else "smallest to largest class",
        "prior": prior_facts(report),
        "warnings": (run.metrics.get("prior") or {}).get("warnings", []),
        "losses": _losses(report),
        "epochs": _epochs(report, shown),
        "stages_last": _last_stage(report),
        "removed": removed,
    }


def _losses(report: Report) -> list[str]:
    """What it is trained with, the members of an ensemble each; empty where another loss follows that of the main training."""
    if "ensemble" in report.run.metrics:
        parts = [part for folder in report.run.members if (part := RunData(folder).recipe.get("loss"))]
        names, texts = dict.fromkeys(part["name"] for part in parts), dict.fromkeys(map(part_text, parts))
        return list(names if len(names) == len(texts) else texts)
    return [part_text(report.part("loss"))] if report.part("loss") and not _later_losses(report) else []


def _later_losses(report: Report) -> bool:
    """Whether another loss follows that of the main training."""
    return bool((report.part("deferred") or {}).get("loss") or report.part("stages"))


def _last_stage(report: Report) -> str:
    """Name of the last stage, "" without stages."""
    return str((report.part("stages") or [{"name": ""}])[-1]["name"])


def _epochs(report: Report, shown: list[int]) -> dict[str, Any] | None:
    """What the epochs visit, of the classes shown; None where they visit each row once, or the plugins are unavailable."""
    if report.prepared is None:
        return None
    counts = Counts.exact(report.run.classes, report.run.metrics["class_counts"][-1]["counts"])
    epochs = epochs_of(report.prepared, counts)
    if are_plain(epochs):
        return None

    def cell(each: Epochs, code: int) -> str:
        if each.visits is None:
            return "?"
        first, last = (expected_text(visits[code]) for visits in each.visits)
        return first if first == last else f"{first} to {last}"

    return {
        "mixed": any(each.mixer is not None for each in epochs),
        "rows": [
            {
                "label": each.label,
                "order": described(each.order),
                "mixer": each.mixer_text,
                "loss": described(each.loss),
                "visits": [cell(each, code) for code in shown],
                "total": "?" if each.rows is None else f"{each.rows:,}",
            }
            for each in epochs
        ],
        "notes": explanations(epochs),
    }


def _stage(stage: str, samplers: list[Any]) -> dict[str, str]:
    """A stage as the report shows it: its name, and what the sampler's parameters are."""
    if not stage.startswith("samplers["):
        return {"name": "training rows" if stage == "train" else stage, "detail": ""}
    place, _, name = stage.partition(" ")
    index = int(place[len("samplers[") : -1])
    first = ", round" not in name or name.endswith("round 1")
    detail = part_text(samplers[index]) if first and index < len(samplers) else ""
    return {"name": f"after {name.replace('_', ' ')}", "detail": detail}
