"""The members of an ensemble: what they are, how they compare with it, how they differ, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imbalkit.base.text import decimal, percent, plural
from imbalkit.report.context import Report
from imbalkit.report.metric_values import metric_name

MOST_PAIRS = 15  # of members, one by one; of more, the range


def values(report: Report) -> dict[str, Any] | None:
    """Tables of members; None for a run of one network."""
    facts = report.run.metrics.get("ensemble")
    if facts is None:
        return None
    numbers = {member["folder"]: number for number, member in enumerate(facts["members"], 1)}
    compared, diversity = facts["compared"], facts["diversity"]
    pairs = [] if diversity is None else diversity["pairs"]
    return {
        "members": [member | {"number": numbers[member["folder"]]} for member in facts["members"]],
        "decided_on": _decided_on(facts, report),
        "metrics": [] if compared is None else [metric_name(name) for name in compared["runs"][0]["metrics"]],
        "compared": [] if compared is None else [_row(entry, numbers) for entry in compared["runs"]],
        "compared_rows": None if compared is None else plural(compared["rows"], "test row"),
        "level": percent(0.95 if compared is None else compared["level"], 0),
        "pairs": [_pair(entry, numbers) for entry in pairs[:MOST_PAIRS]] if len(pairs) <= MOST_PAIRS else [],
        "ranges": _ranges(pairs) if len(pairs) > MOST_PAIRS else "",
        "of": f"the probability of {report.positive}" if report.positive else "the probabilities of all classes",
        "unknown": _unknown(facts, len(numbers)),
    }


def _decided_on(facts: Mapping[str, Any], report: Report) -> str:
    rows = plural(facts["rows"], "row")
    if facts["decided_on"] == "validation":
        return f"The decision is fitted on {rows} of validation, which no member was trained on, with all members."
    said = sorted((int(number), count) for number, count in facts["said_by"].items())
    counts = ", ".join(f"{plural(count, 'row')} by {plural(number, 'member')}" for number, count in said)
    return (
        f"The decision is fitted on {rows}, each predicted only by the members that were not trained on it ({counts}). The "
        f"ensemble predicts a new image with all {len(facts['members'])}, and a mean of more members is less extreme: the same "
        "threshold may find more or fewer of a class than it did on these rows."
    )


def _row(entry: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    name = f"member {numbers[entry['folder']]}" if entry["folder"] else "the ensemble"
    return {"name": name, "cells": [_cell(found) for found in entry["metrics"].values()]}


def _cell(found: Mapping[str, Any]) -> dict[str, str]:
    def between(low: str, high: str) -> str:
        if found.get(low) is None or found.get(high) is None:
            return ""
        signed = "+" if low.startswith("difference") else ""
        return f"{found[low]:{signed}.3f} to {found[high]:{signed}.3f}"

    value = "n/a" if found["value"] is None else f"{found['value']:.3f}"
    difference = found.get("difference")
    return {
        "value": value,
        "interval": between("low", "high"),
        "difference": "" if difference is None else f"{difference:+.3f}",
        "difference_interval": between("difference_low", "difference_high"),
        "test": str(found.get("test", "")),
    }


def _pair(entry: Mapping[str, Any], numbers: Mapping[str, int]) -> dict[str, str]:
    correlation = entry["correlation"]
    return {
        "pair": " and ".join(str(numbers[name]) for name in entry["pair"]),
        "rows": f"{entry['rows']:,}",
        "disagreement": percent(entry["disagreement"]),
        "correlation": "n/a" if correlation is None else decimal(correlation),
    }


def _ranges(pairs: list[Mapping[str, Any]]) -> str:
    apart = [entry["disagreement"] for entry in pairs]
    alike = [entry["correlation"] for entry in pairs if entry["correlation"] is not None]
    text = f"{len(pairs)} pairs of members decide {percent(min(apart))} to {percent(max(apart))} of the rows otherwise"
    return f"{text}; correlations are {decimal(min(alike))} to {decimal(max(alike))}." if alike else f"{text}."


def _unknown(facts: Mapping[str, Any], members: int) -> list[str]:
    found = []
    if facts["compared"] is None:
        found.append(
            "How good the ensemble is: every row was in the training or validation of some member, so that there is no test of "
            "it. The metrics of its members, each on its own test rows, are of other models; rows from elsewhere would tell."
        )
    if facts["diversity"] is None:
        found.append("How much the members differ: too few rows are held out by two of them.")
    elif len(facts["diversity"]["pairs"]) < members * (members - 1) // 2:
        found.append("How much the other pairs of members differ: too few rows are held out by both.")
    found.append("Whether other members (seeds, folds, networks) would make a better ensemble: these were given.")
    return found
