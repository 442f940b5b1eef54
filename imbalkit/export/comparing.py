"""A file's answers in the programs that run it, and whether they are near enough to the network's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from imbalkit.errors import PluginError
from imbalkit.export.parity import Tolerance, Truth, changes, differences, flips, float_problems, limit_problems
from imbalkit.kinds import Exporter, FileRuntime
from imbalkit_lite.card import Card
from imbalkit_lite.decisions import decide

MOST_LOGITS = 64  # rows of which logits are compared: programs show them only when they run slowly


def ask(
    exporter: Exporter, runtimes: Sequence[FileRuntime], truth: Truth, inputs: np.ndarray, card: Card
) -> dict[str, dict[str, Any]]:
    """What each program answers beside the network: its name -> differences and flips, of the first also changes of figures.

    Raises PluginError for answers of another shape.
    """
    found: dict[str, dict[str, Any]] = {}
    for runtime in runtimes:
        some = inputs[: runtime.most]
        part = truth.first(len(some))
        probabilities = np.asarray(runtime.probabilities(some), dtype=np.float64)
        if probabilities.shape != part.probabilities.shape:
            raise PluginError(
                f"exporter {exporter.name!r}: {runtime.name} must answer with {list(part.probabilities.shape)} (rows, classes), "
                f"got {list(probabilities.shape)}"
            )
        logits = None
        if exporter.quantize == "none" and runtime.logits is not None:
            logits = np.asarray(runtime.logits(some[:MOST_LOGITS]), dtype=np.float64)
        decisions = decide(probabilities, card)
        facts = differences(part, probabilities, logits) | {"flips": flips(part, decisions)}
        if not found:  # others may see too few rows for figures
            facts |= changes(part, probabilities, decisions)
        found[runtime.name] = facts
    return found


def judge(
    exporter: Exporter, found: Mapping[str, dict[str, Any]], truth: Truth, exact: Callable[[], np.ndarray]
) -> tuple[dict[str, float], list[str]]:
    """What was allowed, and what is too far, in words.

    Args:
        exporter: with limits for a quantised file
        found: what `ask` found
        truth: of all rows
        exact: gives the network's logits in float64, [n, C]; called only where its rounding must be known
    """
    if exporter.quantize != "none":
        # The program that users run is judged; another one's reading of the same rounded numbers is told.
        judged = next(iter(found.values()), None)
        problems = [] if judged is None else limit_problems(judged, exporter.limits)
        return exporter.limits.model_dump(), problems

    def problems_within(tolerance: Tolerance) -> list[str]:
        return [text for name, facts in found.items() for text in float_problems(facts, name, tolerance)]

    tolerance = Tolerance()
    if problems_within(tolerance):  # the network's own rounding may be all it is
        tolerance = Tolerance.of_rounding(truth, exact())
    return asdict(tolerance), problems_within(tolerance)
