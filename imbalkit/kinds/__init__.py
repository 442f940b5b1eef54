"""What a plugin registers, one base class a kind of part, and all that it needs to write one: the helpers of the built-in parts.

A part is a *specification*: a frozen pydantic model, free of torch, whose `name` is declared once and whose fields are its
recipe parameters (imbalkit.base.parameters). Whatever is heavy is imported inside `build` (or `apply`, `load`), so that listing
parts, checking a recipe and planning never import torch. A plugin author reads this folder and `hookspecs.py`.

Methods that raise NotImplementedError are those that a part of the kind must write; the conformance suite calls each of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from imbalkit.base.parameters import ClassName, Part, PathText, Settings, as_text, one_of, param
from imbalkit.base.randomness import generator
from imbalkit.errors import (
    DataError,
    ImbalkitError,
    MissingExtraError,
    PlanError,
    RunError,
    TrainingError,
    listing,
    nearest,
)
from imbalkit.kinds.class_factors import ClassFactors, SomeClassFactors, constant_weights
from imbalkit.kinds.common import BuildContext, PriorShift, hookimpl
from imbalkit.kinds.decisions import Calibrator, CalibratorRef, Threshold, ThresholdRef
from imbalkit.kinds.exporters import Exportable, Exporter, ExporterRef, ExportLimits, FileRuntime
from imbalkit.kinds.launchers import Launcher, LauncherRef
from imbalkit.kinds.metric_bases import (
    ConfusionMetric,
    HitsAndRows,
    MeanMetric,
    RankingMetric,
    ShareMetric,
    confusion_of,
    no_rows,
)
from imbalkit.kinds.metrics import Interval, Limits, Metric, MetricRef, Predictions
from imbalkit.kinds.networks import Augmentation, AugmentationRef, Backbone, BackboneRef, Loss, LossRef, Preprocessing
from imbalkit.kinds.ranges import RhoRange, SigmaRange, draw_range, range_label, range_of
from imbalkit.kinds.row_choice import checked_scores, highest, random_rows, spread
from imbalkit.kinds.row_counts import FinalCount, FinalCounts, RowCount, RowCounts, label_of, rows_text
from imbalkit.kinds.rows import Dataset, DatasetRef, Op, OpRef, Sampler, SamplerRef, Score, ScoredSampler, ScoreRef
from imbalkit.plan import Counts, Plan, View, balance_ratio

if TYPE_CHECKING:
    from imbalkit.data.table import Table, label_text

__all__ = [
    "KINDS",
    "Augmentation",
    "AugmentationRef",
    "Backbone",
    "BackboneRef",
    "BuildContext",
    "Calibrator",
    "CalibratorRef",
    "ClassFactors",
    "ClassName",
    "ConfusionMetric",
    "Counts",
    "DataError",
    "Dataset",
    "DatasetRef",
    "ExportLimits",
    "Exportable",
    "Exporter",
    "ExporterRef",
    "FileRuntime",
    "FinalCount",
    "FinalCounts",
    "HitsAndRows",
    "ImbalkitError",
    "Interval",
    "Launcher",
    "LauncherRef",
    "Limits",
    "Loss",
    "LossRef",
    "MeanMetric",
    "Metric",
    "MetricRef",
    "MissingExtraError",
    "Op",
    "OpRef",
    "Part",
    "PathText",
    "Plan",
    "PlanError",
    "Predictions",
    "Preprocessing",
    "PriorShift",
    "RankingMetric",
    "RhoRange",
    "RowCount",
    "RowCounts",
    "RunError",
    "Sampler",
    "SamplerRef",
    "Score",
    "ScoreRef",
    "ScoredSampler",
    "Settings",
    "ShareMetric",
    "SigmaRange",
    "SomeClassFactors",
    "Table",
    "Threshold",
    "ThresholdRef",
    "TrainingError",
    "View",
    "as_text",
    "balance_ratio",
    "checked_scores",
    "confusion_of",
    "constant_weights",
    "draw_range",
    "generator",
    "highest",
    "hookimpl",
    "label_of",
    "label_text",
    "listing",
    "nearest",
    "no_rows",
    "one_of",
    "param",
    "random_rows",
    "range_label",
    "range_of",
    "rows_text",
    "spread",
]


_NEEDS_PANDAS = ("Table", "label_text")  # of imbalkit.data.table, imported where a data set is loaded


def __getattr__(name: str) -> Any:
    if name in _NEEDS_PANDAS:
        return getattr(importlib.import_module("imbalkit.data.table"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
