"""The decision of a run in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.runs.results import RunData


def part_text(part: Any) -> str:
    """A part of a recipe as a person reads it: "target_recall (recall 0.9)"; without parameters that are not set."""
    if not isinstance(part, Mapping):
        return str(part)
    said = [
        f"{name.replace('_', ' ')} {_value(value)}"
        for name, value in part.items()
        if name != "name" and _is_said(value)
    ]
    return f"{part.get('name', '')} ({', '.join(said)})" if said else str(part.get("name", ""))


def _is_said(value: Any) -> bool:
    return value is not None and value is not False and value != {} and value != []


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        if "name" in value:
            return part_text(value)
        return "; ".join(f"{name}: {_value(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return "yes" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def decision_sentence(run: RunData) -> str:
    """How a row is decided, in a sentence."""
    decision = run.metrics["decision"]
    rule = part_text(run.recipe.get("decision", {}).get("threshold") or decision.get("rule"))
    if decision.get("costs"):
        return f"Each row is called the class of least expected cost, by {rule}."
    if run.threshold is None or run.positive is None:
        return "Each row is called its most probable class."
    name = run.classes[run.positive]
    below = run.other if len(run.classes) == 2 else "the most probable of the other classes"
    how = f"chosen on validation rows by {rule}" if decision.get("rule") not in (None, "fixed") else "fixed beforehand"
    if run.threshold > 1:
        return f"No row is called {name} ({how}): each is called {below}."
    return f"A row is called {name} from a probability of {run.threshold:.4g} on ({how}), and {below} below that."


def correction_sentence(run: RunData) -> str:
    """What is done to the logits before probabilities are read, in a sentence."""
    decision = run.metrics["decision"]
    steps = decision.get("corrections")
    if steps is None:
        steps = [{"stage": "calibrated", "name": decision["calibrator"]}] if decision.get("calibrator") else []
    if not steps:
        return "Probabilities are those of the network as trained; nothing was corrected or calibrated."
    return f"Before probabilities are read, the network's answer is {'; then '.join(map(_step, steps))}."


def _step(step: Mapping[str, Any]) -> str:
    """A correction as a person reads it."""
    from imbalkit.decision.corrections import CALIBRATION, OFFSET, PREVALENCE, PRIOR

    name = step["name"].replace("_", " ")
    how = "by the counts of its training rows" if step["name"] == OFFSET else f"by a {name} fitted on validation rows"
    if step["stage"] == PRIOR:
        return f"restored to the prior of the data, {how}"
    if step["stage"] == CALIBRATION:
        return f"calibrated ({name}, fitted on validation rows)"
    return "moved to the stated prevalence" if step["stage"] == PREVALENCE else f"{step['stage']} ({name})"
