"""Averaged views and a file: whether it holds them, and what a file without them costs a run that averages some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import share_text
from imbalkit.export.graph import views_in_file
from imbalkit.export.parity import Reference, changes, flips
from imbalkit.kinds import Exporter
from imbalkit.runs.restored import Restored

METRICS = {"auc": "ROC area", "sensitivity": "sensitivity", "specificity": "specificity", "ece": "ECE"}


def views_facts(restored: Restored, exporter: Exporter, averaged: Reference, in_file: Reference) -> dict[str, Any]:
    """Which views the run averages and which the file, and where they differ what changes.

    Args:
        restored: the run
        exporter: of the file
        averaged: what the network gives for the rows that the file is compared on, with the run's views
        in_file: the same with the file's
    """
    found = {"of_the_run": restored.views, "in_the_file": views_in_file(restored, exporter)}
    if found["of_the_run"] == found["in_the_file"]:
        return found
    metrics = changes(averaged, in_file.probabilities, in_file.decisions).items()
    change = {name: each and {"averaged": each["network"], "plain": each["file"]} for name, each in metrics}
    return found | {"without_them": {"flips": flips(averaged, in_file.decisions), **change}}


def views_notes(facts: Mapping[str, Any]) -> list[str]:
    """What a reader must know of a file without the views of its run; none for others. `facts` is an entry of parity.json."""
    views = facts.get("views", {})
    without = views.get("without_them")
    if without is None:
        return []
    pairs = ((label, without[name]) for name, label in METRICS.items() if without[name] is not None)
    values = "".join(f"; {label} {each['averaged']:.4f}, plain {each['plain']:.4f}" for label, each in pairs)
    share = share_text(without["flips"]["share"], 2)
    return [
        f"sees the plain picture, where the run averages views ({views['of_the_run']}) and fitted its decision to them: of the "
        f"{facts['compared_on']['rows']} rows {share} are decided otherwise{values}"
    ]
