"""The rows that each loss-rank round dropped: label noise, or hard cases that the model will never learn?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from imbalkit.errors import ImbalkitError
from imbalkit.report.context import Report, explain
from imbalkit.report.galleries import shown
from imbalkit_lite.text import printable

MOST_PICTURES, MOST, LEAST = 96, 8, 2  # in all; of one end of one class in one round, at most and at least
SIDE = 112  # px


def values(report: Report) -> dict[str, Any] | None:
    """For each round and class how many rows went and with what scores, and pictures of both ends; None without rounds."""
    audit = report.audit
    ranked = audit[(audit["round"] > 0) & ~audit["kept"]]
    if not len(ranked):
        return None
    cells = [
        (stage, name, group.sort_values("score", ascending=False, kind="stable"))
        for stage, of_stage in ranked.groupby(ranked["dropped_by"].astype(str), sort=False)
        for name, group in of_stage.groupby(of_stage["label"].astype(str), sort=False)
    ]
    order = {name: place for place, name in enumerate(report.run.classes)}
    first = {stage: index for index, stage in enumerate(sorted(set(ranked["dropped_by"].astype(str)), key=_stage_key))}
    cells.sort(key=lambda cell: (first[cell[0]], order[cell[1]]))
    most = max(LEAST, min(MOST, MOST_PICTURES // (2 * len(cells))))
    before = _before(audit)
    rounds: dict[str, list[dict[str, Any]]] = {}
    problem = ""
    for place, (stage, name, group) in enumerate(cells):
        entry: dict[str, Any] = {
            "label": printable(name),
            "dropped": len(group),
            "before": before[stage, name],
            "copies": int((group["view"].astype(str) != "as it is").sum()),
            "most": float(group["score"].iloc[0]),
            "median": float(group["score"].median()),
            "least": float(group["score"].iloc[-1]),
            "ends": [],
        }
        few = place >= MOST_PICTURES // (2 * most)
        if not problem and not few and report.run.has_images:
            try:
                entry["ends"] = _ends(report, group, most)
            except ImbalkitError as error:
                problem = explain(error)
        rounds.setdefault(_title(stage), []).append(entry)
    score = next(
        (sampler.get("score") for sampler in report.run.recipe.get("samplers") or [] if "score" in sampler), None
    )
    return {
        "rounds": rounds,
        "problem": problem,
        "score": (score or {}).get("name", "score") if isinstance(score, dict) else score or "score",
        "which": _which(report),
    }


def _which(report: Report) -> str:
    return next(
        (sampler["which"] for sampler in report.run.recipe.get("samplers") or [] if "which" in sampler), "highest"
    )


def _stage_key(stage: str) -> tuple[str, int]:
    name, _, number = stage.rpartition("round ")
    return name, int(number) if number.isdigit() else 0


def _title(stage: str) -> str:
    """ "samplers[1] loss_rank, round 2" as "Loss rank, round 2"."""
    name = stage.partition(" ")[2].replace("_", " ") or stage
    return name[:1].upper() + name[1:]


def _before(audit: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Rows of each class that a round could drop: those that are there neither too late nor gone before."""
    stages = sorted({stage for stage in audit["dropped_by"].astype(str).unique() if stage}, key=_stage_key)
    labels, dropped, added = (audit[name].astype(str) for name in ("label", "dropped_by", "added_by"))

    def at(stage: str) -> int:
        return int(stage.partition("[")[2].partition("]")[0]) if stage.startswith("samplers[") else -1

    found, gone = {}, np.zeros(len(audit), dtype=bool)
    for stage in sorted(stages, key=lambda stage: (at(stage), _stage_key(stage))):
        there = ~gone & (added.map(at) < at(stage)).to_numpy()
        for name in labels.unique():
            found[stage, name] = int((there & (labels == name)).sum())
        gone |= (dropped == stage).to_numpy()
    return found


def _ends(report: Report, group: pd.DataFrame, most: int) -> list[dict[str, Any]]:
    """The rows of highest score, and of lowest among the dropped, with their pictures."""
    if len(group) <= 2 * most:
        parts = [("all of them, by falling score", group)]
    else:
        parts = [("highest scores", group.head(most)), ("lowest scores among the dropped", group.tail(most))]
    places = {index: place for place, index in enumerate(report.audit.index)}
    ends = []
    for title, rows in parts:
        pixels = report.rendered(np.array([places[index] for index in rows.index], dtype=np.int64))
        pictures = []
        row: Any
        for row, picture in zip(rows.itertuples(), pixels, strict=True):
            view = "" if str(row.view) == "as it is" else str(row.view)
            alt = f"Dropped row of {printable(row.label)}, score {row.score:.3g}{', ' + view if view else ''}"
            lines = (report.name_of(row.source), view, report.caption(row.source))
            pictures.append(shown(np.clip(picture, 0, 1), alt, f"{row.score:.3g}", lines, side=SIDE))
        ends.append({"title": title, "shown": pictures})
    return ends
