"""What abstaining on the most uncertain rows gains, and which rows it leaves undecided."""

from __future__ import annotations

from typing import Any

import numpy as np

from imbalkit.plots.run.risk_coverage import risk_coverage_of
from imbalkit.report.charts import inline
from imbalkit.report.context import Report

STOPS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.5)  # coverages of the table


def values(report: Report) -> dict[str, Any] | None:
    """The risk-coverage curve, a table of some of its points, and what the run's own rule leaves."""
    run, test = report.run, report.run.split_rows()
    if not len(test):
        return None
    curve = risk_coverage_of(run)
    rows: list[dict[str, Any]] = []
    for stop in STOPS:
        at = int(np.flatnonzero(curve.coverage >= stop - 1e-12)[-1])  # the fewest rows that still cover as many
        row = {
            "coverage": float(curve.coverage[at]),
            "decided": int(curve.decided[at]),
            "error": float(curve.error[at]),
            "rejected": int(curve.rejected_positives[at]),
            "missed": int(curve.missed_positives[at]),
        }
        if not rows or row["decided"] != rows[-1]["decided"]:
            rows.append(row)
    what = f", with {report.positive} missed and undecided" if report.positive else ""
    rule = (run.metrics.get("abstention") or {}).get("rule") or (run.metrics["decision"].get("abstention") or {}).get(
        "rule"
    )
    return {
        "curve": inline(
            "risk_coverage", run, "Risk and coverage",
            f"Share of wrong decisions against the share of rows that is decided{what}.",
        ).svg,
        "rows": rows,
        "positives": curve.positives,
        "rule": rule,
        "abstained": int(test.abstained.sum()),
        "n": len(test),
        "by_class": [
            (name, int((test.abstained & (test.labels == code)).sum()), int((test.labels == code).sum()))
            for code, name in enumerate(report.classes)
        ],
        "decided_error": float((test.labels != test.decisions)[~test.abstained].mean()) if not test.abstained.all() else None,
    }  # fmt: skip
