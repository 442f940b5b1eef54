"""What the model was trained on: class counts through every sampler, and their effect on the prior."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.base.text import part_text, ratio_text
from imbalkit.plan import balance_ratio
from imbalkit.report.context import Report
from imbalkit.report.sections.probabilities import prior_facts

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
                    "stage": split,
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
        "loss": part_text(report.part("loss") or ""),
        "removed": removed,
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
