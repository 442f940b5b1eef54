"""The copies that samplers made, as training saw them."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.errors import ImbalkitError
from imbalkit.report.context import Report, explain
from imbalkit.report.galleries import shown
from imbalkit_lite.text import printable

MOST = 48  # pictures in all


def values(report: Report) -> dict[str, Any] | None:
    """A few samples of each class with every view of them; None where no sampler changes pictures."""
    views = report.audit["view"].astype(str)
    if (views == "as it is").all():
        return None
    problem, groups = "", []
    try:
        groups = _groups(report)
    except ImbalkitError as error:
        problem = explain(error)
    changed = report.audit["kept"] & (views != "as it is")
    by_class = report.audit.loc[changed, "label"].astype(str).value_counts()
    return {
        "groups": groups,
        "problem": problem,
        "counts": {printable(name): int(by_class.get(name, 0)) for name in report.run.classes},
    }


def _groups(report: Report) -> list[dict[str, Any]]:
    """One entry a sample: its class and its pictures."""
    from imbalkit.plan.rendering import render
    from imbalkit.plots.study.gallery import data

    final, prepared = report.all_plan_rows, report.prepared
    assert prepared is not None  # else all_plan_rows has raised
    kept = report.audit["kept"].to_numpy()
    plan = final.select(kept)
    frame = data(prepared, plan, samples=2)
    if len(frame) > MOST:
        frame = data(prepared, plan, samples=1)
    frame = frame.head(MOST)
    pixels = render(report.images, plan, frame["position"].to_numpy()).permute(0, 2, 3, 1).numpy()
    groups: dict[tuple[str, int], dict[str, Any]] = {}
    row: Any
    for row, picture in zip(frame.itertuples(), pixels, strict=True):
        label, name = printable(row[1]), report.name_of(row.source)
        group = groups.setdefault((label, row.source), {"label": label, "name": name, "shown": []})
        alt = f"{label}, {name}: {row.view}"
        group["shown"].append(shown(np.clip(picture, 0, 1), alt, row.view, tuple(row.drawn.split("; ")), side=140))
    return list(groups.values())
