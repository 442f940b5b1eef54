"""Whether a probability of 20 % means one in five."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import decimal, factor_text, percent
from imbalkit.errors import RunError
from imbalkit.plots.run.calibration import stages_of
from imbalkit.report.charts import inline
from imbalkit.report.context import Report
from imbalkit.report.recipe_words import correction_sentence


def values(report: Report) -> dict[str, Any] | None:
    """Reliability at each stage of the decision, and the spread of the probabilities."""
    run = report.run
    try:
        stages = stages_of(run)
    except RunError:
        stages = []
    what = f"probability of {report.positive}" if report.positive else "probability of a class"
    validation = {stage["stage"]: stage for stage in (run.metrics.get("calibration") or {}).get("validation") or []}
    found: dict[str, Any] = {
        "reliability": inline(
            "reliability", run, "Reliability",
            f"Share of rows that are of the class against the {what}; on the diagonal, probabilities are calibrated.",
        ).svg if stages else None,
        "scores": inline(
            "scores", run, "Spread of the probabilities",
            "Histogram of the probability of the predicted class: correct above the line, wrong below it.",
        ).svg if run.positive is None else None,
        "stages": [_stage(stage, validation.get(stage["stage"], {})) for stage in stages],
        "validated": bool(validation),
        "grouped": run.split_rows().grouped,
        "correction": correction_sentence(run),
        "prior": prior_facts(report),
        "what": what,
    }  # fmt: skip
    return found if stages or found["scores"] else None


def _stage(test: Mapping[str, Any], validation: Mapping[str, Any]) -> dict[str, str]:
    """A stage's metrics as text, on test and validation."""
    found = {"name": test["stage"]}
    for key in ("brier", "log_loss", "ece"):
        found |= {f"test_{key}": decimal(test[key]), f"validation_{key}": decimal(validation.get(key))}
    return found


def prior_facts(report: Report) -> dict[str, Any] | None:
    """What shifted the class prior: a row a part, and the shares in the data and in training. None for runs without a ledger."""
    ledger = report.run.metrics.get("prior")
    if not ledger:
        return None
    classes = report.classes
    shown = report.run.smallest_first[:3] if len(classes) > 4 else list(range(len(classes)))
    return {
        "classes": [classes[code] for code in shown],
        "of_members": "ensemble" in report.run.metrics,
        "data": _shares(ledger.get("data"), report.run.classes, shown),
        "effective": _shares(ledger.get("effective"), report.run.classes, shown),
        "exact": ledger.get("exact", all(entry["exact"] for entry in ledger["entries"])),
        "entries": [
            {
                "stage": entry["stage"],
                "factors": None
                if entry["factors"] is None
                else [f"× {factor_text(entry['factors'][code], 3)}" for code in shown],
                "exact": entry["exact"],
                "why": entry["why"],
            }
            for entry in ledger["entries"]
        ],
        "stated": report.run.metrics["decision"].get("prior", "as_trained"),
    }


def _shares(values: Any, classes: tuple[str, ...], shown: list[int]) -> list[str] | None:
    if values is None:
        return None
    numbers = [values[name] for name in classes] if isinstance(values, dict) else list(values)
    return [percent(numbers[code]) for code in shown]
