"""How far a file's outputs are from the network's in the programs that run it: what is measured, and what is too far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from imbalkit.base.text import share_text
from imbalkit.errors import PluginError
from imbalkit.functional.metrics import balanced_accuracy, calibration_error, confusion_matrix, recalls, softmax
from imbalkit.functional.ranking import roc_auc
from imbalkit.kinds import Exporter, ExportLimits, FileRuntime
from imbalkit_lite.card import Card
from imbalkit_lite.decisions import decide

PROBABILITY = 1e-5  # largest difference of a float32 file's probabilities
LOGIT = 1e-4  # and of its logits before calibration
NOISE = 4  # times the network's own rounding, where that is what exceeds them
SATURATED = 0.999  # a row whose largest probability is above this says little of the logits behind it
ECE_BINS = 15
MOST_LOGITS = 64  # rows of which logits are compared: programs show them only when they run slowly


@dataclass(frozen=True)
class Reference:
    """What the network itself gives for the rows, and what they are.

    Attributes:
        logits: before calibration (after the map of the loss), float64 [n, C]
        affine: (scale, bias), each [C]: probabilities are softmax(scale * logits + bias)
        probabilities: float64 [n, C]
        decisions: class codes, int [n]
        labels: class codes, int [n]; None where they are not known
        classes: class names
        positive: code of the positive class, None without one
    """

    logits: np.ndarray
    affine: tuple[np.ndarray, np.ndarray]
    probabilities: np.ndarray
    decisions: np.ndarray
    labels: np.ndarray | None
    classes: Sequence[str]
    positive: int | None

    def first(self, rows: int) -> Reference:
        """Of the first rows."""
        labels = None if self.labels is None else self.labels[:rows]
        cut = {name: getattr(self, name)[:rows] for name in ("logits", "probabilities", "decisions")}
        return replace(self, labels=labels, **cut)


def compare_runtimes(
    exporter: Exporter,
    runtimes: Sequence[FileRuntime],
    reference: Reference,
    inputs: Sequence[np.ndarray],
    card: Card,
) -> dict[str, dict[str, Any]]:
    """Run a file in each program and compare it with the network.

    Args:
        exporter: what wrote the file
        runtimes: the programs, each with the file loaded
        reference: what the network gives for the rows
        inputs: of the rows, as the file takes them: images [n, ...], and columns [n, W] where it takes some
        card: of the file: its decision rule

    Returns:
        name of a program -> `differences` and `flips`; of the first also `changes` of metrics

    Raises:
        PluginError: outputs of another shape
    """
    found: dict[str, dict[str, Any]] = {}
    for runtime in runtimes:
        some = [values[: runtime.most] for values in inputs]
        part = reference.first(len(some[0]))
        probabilities = np.asarray(runtime.probabilities(*some), dtype=np.float64)
        if probabilities.shape != part.probabilities.shape:
            raise PluginError(
                f"exporter {exporter.name!r}: {runtime.name} must give {list(part.probabilities.shape)} (rows, classes), "
                f"got {list(probabilities.shape)}"
            )
        logits = None
        if exporter.quantize == "none" and runtime.logits is not None:
            logits = np.asarray(runtime.logits(*(values[:MOST_LOGITS] for values in some)), dtype=np.float64)
        decisions = decide(probabilities, card)
        facts = differences(part, probabilities, logits) | {"flips": flips(part, decisions)}
        if not found:  # others may see too few rows for metrics
            facts |= changes(part, probabilities, decisions)
        found[runtime.name] = facts
    return found


def judge(
    exporter: Exporter, found: Mapping[str, dict[str, Any]], reference: Reference, exact: Callable[[], np.ndarray]
) -> tuple[dict[str, float], list[str]]:
    """What was allowed, and what is too far, as text.

    Args:
        exporter: with limits for a quantised file
        found: by `compare_runtimes`
        reference: of all rows
        exact: gives the same logits computed in float64, [n, C]; called only where the network's rounding must be known
    """
    if exporter.quantize != "none":
        # The program that users run is judged; what another makes of the same rounded numbers is reported.
        judged = next(iter(found.values()), None)
        problems = [] if judged is None else limit_problems(judged, exporter.limits)
        return exporter.limits.model_dump(), problems

    def problems_within(tolerance: Tolerance) -> list[str]:
        return [text for name, facts in found.items() for text in float_problems(facts, name, tolerance)]

    tolerance = Tolerance()
    if problems_within(tolerance):  # the network's own rounding may be all it is
        tolerance = Tolerance.of_rounding(reference, exact())
    return asdict(tolerance), problems_within(tolerance)


def differences(reference: Reference, probabilities: np.ndarray, logits: np.ndarray | None) -> dict[str, Any]:
    """The largest differences of a file's outputs from the network's.

    Args:
        reference: of the rows
        probabilities: the file's, [n, C]
        logits: what its softmax was given, of the first [m <= n] rows, [m, C]; None where that cannot be seen
    """
    apart = None
    if logits is not None:
        scale, bias = reference.affine
        apart = _largest(_centred((logits - bias) / scale) - _centred(reference.logits[: len(logits)]))
    return {
        "rows": len(probabilities),
        "rows_not_saturated": int((reference.probabilities.max(axis=1) <= SATURATED).sum()),
        "largest_probability_difference": _largest(probabilities - reference.probabilities),
        "largest_logit_difference": apart,
    }


@dataclass(frozen=True)
class Tolerance:
    """How far a float32 file may be from the network."""

    probability: float = PROBABILITY
    logit: float = LOGIT

    @classmethod
    def of_rounding(cls, reference: Reference, exact: np.ndarray) -> Tolerance:
        """Of a network whose own float32 logits are far from those of float64, [n, C]: NOISE times as far, or the usual.

        Two programs that add in another order differ so much without either being wrong.
        """
        scale, bias = reference.affine
        logits = _largest(_centred(reference.logits) - _centred(exact))
        probabilities = _largest(reference.probabilities - softmax(scale * exact + bias))
        return cls(max(PROBABILITY, NOISE * probabilities), max(LOGIT, NOISE * logits))


def float_problems(found: Mapping[str, Any], runtime: str, tolerance: Tolerance) -> list[str]:
    """What is too much in the `differences` of a float32 file, in words."""
    problems = []
    apart, logits = found["largest_probability_difference"], found["largest_logit_difference"]
    if not apart <= tolerance.probability:
        problems.append(f"{runtime}'s probabilities differ by up to {apart:.2g}, more than {tolerance.probability:.2g}")
    if logits is not None and not logits <= tolerance.logit:
        problems.append(
            f"{runtime}'s logits before calibration differ by up to {logits:.2g}, more than {tolerance.logit:.2g}"
        )
    if logits is None and not found["rows_not_saturated"]:
        problems.append(
            f"every row has a probability above {SATURATED:g}, which says too little of its logits, and {runtime} does not "
            "show them"
        )
    return problems


def limit_problems(found: Mapping[str, Any], limits: ExportLimits) -> list[str]:
    """What is too much in the `changes` of a quantised file, in words."""
    if not np.isfinite(found["largest_probability_difference"]):
        return ["probabilities are not finite"]
    problems = []
    for name, what in (("auc", "the area under the ROC curve"), ("sensitivity", "the sensitivity"), ("ece", "the ECE")):
        metric, limit = found[name], getattr(limits, name)
        if metric is not None and not abs(metric["change"]) <= limit:
            before, after = metric["network"], metric["file"]
            problems.append(f"{what} changes from {before:.4f} to {after:.4f} (at most by {limit:g})")
    share = found["flips"]["share"]
    if not share <= limits.flips:
        problems.append(f"{share_text(share, 2)} of the rows are decided otherwise (at most {limits.flips:.2%})")
    return problems


def flips(reference: Reference, decisions: np.ndarray) -> dict[str, Any]:
    """How many rows a file decides otherwise than the network."""
    flipped = reference.decisions != decisions
    return {"rows": int(flipped.sum()), "share": float(flipped.mean())}


def changes(reference: Reference, probabilities: np.ndarray, decisions: np.ndarray) -> dict[str, Any]:
    """Metrics of the network and of a file on the same rows; None where they are not defined."""
    networks = metrics(reference, reference.probabilities, reference.decisions)
    files = metrics(reference, probabilities, decisions)
    found: dict[str, Any] = {}
    for name in ("auc", "sensitivity", "specificity", "ece"):
        before, after = networks.get(name, np.nan), files.get(name, np.nan)
        known = np.isfinite(before) and np.isfinite(after)
        found[name] = {"network": before, "file": after, "change": after - before} if known else None
    return found


def metrics(reference: Reference, probabilities: np.ndarray, decisions: np.ndarray) -> Mapping[str, float]:
    """AUC, sensitivity, specificity and ECE of the positive class; without one means over the classes. Empty without labels.

    The sensitivity without a positive class is the mean recall, the AUC the mean of each class present against the rest, and the
    ECE that of the most probable class.
    """
    if reference.labels is None:
        return {}
    labels, positive, count = reference.labels, reference.positive, len(reference.classes)
    confusion = confusion_matrix(labels, decisions, count)
    if positive is None:
        present = [label for label in range(count) if (labels == label).any()]
        auc = np.mean([roc_auc(labels == label, probabilities[:, label]) for label in present])
        hits, confidences = labels == probabilities.argmax(axis=1), probabilities.max(axis=1)
        return {
            "auc": float(auc),
            "sensitivity": float(balanced_accuracy(confusion)),
            "ece": float(calibration_error(hits, confidences, ECE_BINS)),
        }
    positives, scores = labels == positive, probabilities[:, positive]
    others = ~positives
    return {
        "auc": float(roc_auc(positives, scores)),
        "sensitivity": float(recalls(confusion)[positive]),
        "specificity": float((decisions[others] != positive).mean()) if others.any() else float("nan"),
        "ece": float(calibration_error(positives, scores, ECE_BINS)),
    }


def _centred(logits: np.ndarray) -> np.ndarray:
    """Less the row's mean: a constant on all logits of a row changes nothing."""
    return logits - logits.mean(axis=1, keepdims=True)


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max(initial=0.0))
