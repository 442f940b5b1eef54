"""What a plugin registers: one base class a kind of part.

A part is a *specification*: a frozen pydantic model, free of torch, whose `name` is declared once and whose fields are its
recipe parameters (imbalkit.base.parameters). Whatever is heavy is imported inside `build` (or `apply`, `load`), so that listing
parts, checking a recipe and planning never import torch. A plugin author reads this folder and `hookspecs.py`.

Methods that raise NotImplementedError are those that a part of the kind must write; the conformance suite calls each of them.
"""

from __future__ import annotations

from imbalkit.base.parameters import ClassName, Part, PathText, Settings, param, part_of
from imbalkit.kinds.common import BackboneRef, BuildContext, LossRef, OpRef, PriorShift, ScoreRef
from imbalkit.kinds.decisions import Calibrator, Threshold
from imbalkit.kinds.exporters import Exportable, Exporter, ExportLimits, FileRuntime
from imbalkit.kinds.launchers import Launcher
from imbalkit.kinds.metrics import Interval, Limits, Metric, Predictions
from imbalkit.kinds.networks import Augmentation, Backbone, Loss, Preprocessing
from imbalkit.kinds.rows import Dataset, Op, Sampler, Score, ScoredSampler

__all__ = [
    "KINDS",
    "Augmentation",
    "Backbone",
    "BackboneRef",
    "BuildContext",
    "Calibrator",
    "ClassName",
    "Dataset",
    "ExportLimits",
    "Exportable",
    "Exporter",
    "FileRuntime",
    "Interval",
    "Launcher",
    "Limits",
    "Loss",
    "LossRef",
    "Metric",
    "Op",
    "OpRef",
    "Part",
    "PathText",
    "Predictions",
    "Preprocessing",
    "PriorShift",
    "Sampler",
    "Score",
    "ScoreRef",
    "ScoredSampler",
    "Settings",
    "Threshold",
    "param",
    "part_of",
]

KINDS: dict[str, type[Part]] = {
    base.kind: base
    for base in (
        Dataset,
        Op,
        Sampler,
        Score,
        Loss,
        Backbone,
        Augmentation,
        Metric,
        Calibrator,
        Threshold,
        Exporter,
        Launcher,
    )
}
