"""The decision of a run in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import part_text, value_text
from imbalkit.runs.results import RunData
from imbalkit_lite.text import printable


def decision_sentence(run: RunData) -> str:
    """How a row is decided, in a sentence."""
    decision = run.metrics["decision"]
    rule = part_text(run.recipe.get("decision", {}).get("threshold") or decision.get("rule"))
    if decision.get("costs"):
        return f"Each row is assigned to the class of lowest expected cost, by {rule}{_fitted(decision)}."
    if run.threshold is None or run.positive is None:
        return "Each row is assigned to its most probable class."
    name = printable(run.classes[run.positive])
    below = run.other if len(run.classes) == 2 else "the most probable of the other classes"
    where = "rows held out by some of the members" if run.out_of_fold else "validation rows"
    how = (
        f"chosen on {where} by {rule}{_fitted(decision)}"
        if decision.get("rule") not in (None, "fixed")
        else "fixed beforehand"
    )
    if run.threshold > 1:
        return f"No row is predicted {name} ({how}): each is predicted {below}."
    return f"A row is predicted {name} at a probability of {run.threshold:.4g} or more ({how}), and {below} below that."


def _fitted(decision: Mapping[str, Any]) -> str:
    """What the rule fitted on validation rows: ", with tau 1.35"."""
    fitted = [f"{name} {value_text(value)}" for name, value in decision.get("rule_fitted", {}).items()]
    return f", with {', '.join(fitted)}" if fitted else ""


def correction_sentence(run: RunData) -> str:
    """How the logits are corrected before probabilities are computed, in a sentence."""
    decision = run.metrics["decision"]
    steps = decision.get("corrections")
    if steps is None:
        steps = [{"stage": "calibrated", "name": decision["calibrator"]}] if decision.get("calibrator") else []
    if not steps and run.members:
        return "Probabilities are the mean of those of the members, not corrected further."
    if not steps:
        return "Probabilities are those of the network as trained, neither corrected nor calibrated."
    moved_to = "equal class shares" if decision.get("prior") == "balanced" else "the stated prevalence"
    whose = "The logarithms of the members' mean probabilities" if run.members else "The network's logits"
    return f"{whose} are {'; then '.join(_step(step, moved_to) for step in steps)}."


def _step(step: Mapping[str, Any], moved_to: str) -> str:
    """A correction as a person reads it."""
    from imbalkit.decision.corrections import CALIBRATION, MAPPED, OFFSET, PREVALENCE, PRIOR

    name = step["name"].replace("_", " ")
    how = "by the counts of its training rows" if step["name"] == OFFSET else f"by a {name} fitted on validation rows"
    if step["stage"] == MAPPED:
        return f"mapped from where the loss {name} is least to the probabilities that hold, by its formula"
    if step["stage"] == PRIOR:
        return f"restored to the class prior of the data, {how}"
    if step["stage"] == CALIBRATION:
        return f"calibrated ({name}, fitted on validation rows)"
    return f"moved to {moved_to}" if step["stage"] == PREVALENCE else f"{step['stage']} ({name})"
