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
from imbalkit.data.labels import class_order, map_labels
from imbalkit.data.paths import existing_path
from imbalkit.data.split_names import SPLITS, split_names
from imbalkit.data.table_files import check_columns, read_table
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
from imbalkit.kinds.class_factors import (
    ClassFactors,
    ClassSmoothing,
    LabelSmoothing,
    SomeClassFactors,
    constant_weights,
    smoothing_of,
)
from imbalkit.kinds.common import BuildContext, PriorShift, hookimpl
from imbalkit.kinds.containers import Container, Facts, Members, Span
from imbalkit.kinds.decisions import Calibrator, CalibratorRef, CostRows, Threshold, ThresholdRef, ThresholdRows
from imbalkit.kinds.exporters import Exportable, Exporter, ExporterRef, ExportLimits, FileRuntime
from imbalkit.kinds.heads import Head, HeadRef
from imbalkit.kinds.label_names import LabelNames, Text
from imbalkit.kinds.launchers import Launcher, LauncherRef, PieceState, Process, ProcessSession, Session, Work
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
from imbalkit.kinds.mixers import Mixer, MixerRef
from imbalkit.kinds.networks import (
    Augmentation,
    AugmentationRef,
    Backbone,
    BackboneRef,
    InitialWeights,
    Loss,
    LossRef,
    Preprocessing,
)
from imbalkit.kinds.orders import ClassShareOrder, Draws, Order, OrderRef
from imbalkit.kinds.prepared_run import PreparedRun
from imbalkit.kinds.ranges import RhoRange, SigmaRange, draw_range, range_label, range_of
from imbalkit.kinds.row_choice import checked_features, checked_scores, highest, random_rows, spread
from imbalkit.kinds.row_counts import FinalCount, FinalCounts, RowCount, RowCounts, label_of, rows_text
from imbalkit.kinds.rows import Dataset, DatasetRef, Op, OpRef, Score, ScoreRef
from imbalkit.kinds.samplers import AnySampler, FeatureSampler, Sampler, SamplerRef, ScoredSampler
from imbalkit.kinds.schedules import ScheduleSettings
from imbalkit.kinds.stages import AnyStage, FeatureRows, Solution, SolvedStage, StageRef, TrainedStage
from imbalkit.kinds.teachers import Teacher
from imbalkit.kinds.weights import load_weights, weights_file
from imbalkit.plan import Counts, Plan, View, balance_ratio

if TYPE_CHECKING:
    from imbalkit.data.table import Table, label_text

__all__ = [
    "KINDS",
    "SPLITS",
    "AnySampler",
    "AnyStage",
    "Augmentation",
    "AugmentationRef",
    "Backbone",
    "BackboneRef",
    "BuildContext",
    "Calibrator",
    "CalibratorRef",
    "ClassFactors",
    "ClassName",
    "ClassShareOrder",
    "ClassSmoothing",
    "ConfusionMetric",
    "Container",
    "CostRows",
    "Counts",
    "DataError",
    "Dataset",
    "DatasetRef",
    "Draws",
    "ExportLimits",
    "Exportable",
    "Exporter",
    "ExporterRef",
    "Facts",
    "FeatureRows",
    "FileRuntime",
    "FeatureSampler",
    "FinalCount",
    "FinalCounts",
    "Head",
    "HeadRef",
    "HitsAndRows",
    "ImbalkitError",
    "InitialWeights",
    "Interval",
    "LabelNames",
    "LabelSmoothing",
    "Launcher",
    "LauncherRef",
    "Limits",
    "Loss",
    "LossRef",
    "MeanMetric",
    "Members",
    "Metric",
    "MetricRef",
    "MissingExtraError",
    "Mixer",
    "MixerRef",
    "Op",
    "OpRef",
    "Order",
    "OrderRef",
    "Part",
    "PathText",
    "PieceState",
    "Plan",
    "PlanError",
    "Predictions",
    "PreparedRun",
    "Preprocessing",
    "PriorShift",
    "Process",
    "ProcessSession",
    "RankingMetric",
    "RhoRange",
    "RowCount",
    "RowCounts",
    "RunError",
    "Sampler",
    "SamplerRef",
    "ScheduleSettings",
    "Score",
    "ScoreRef",
    "ScoredSampler",
    "Session",
    "Settings",
    "ShareMetric",
    "SigmaRange",
    "Solution",
    "SolvedStage",
    "SomeClassFactors",
    "Span",
    "StageRef",
    "Table",
    "Teacher",
    "Text",
    "Threshold",
    "ThresholdRef",
    "ThresholdRows",
    "TrainedStage",
    "TrainingError",
    "View",
    "Work",
    "as_text",
    "balance_ratio",
    "check_columns",
    "checked_features",
    "checked_scores",
    "class_order",
    "confusion_of",
    "constant_weights",
    "draw_range",
    "existing_path",
    "generator",
    "highest",
    "hookimpl",
    "label_of",
    "label_text",
    "listing",
    "load_weights",
    "weights_file",
    "map_labels",
    "nearest",
    "no_rows",
    "one_of",
    "param",
    "random_rows",
    "range_label",
    "range_of",
    "read_table",
    "rows_text",
    "smoothing_of",
    "split_names",
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
        Container,
        Op,
        AnySampler,
        Score,
        Loss,
        Order,
        Mixer,
        Backbone,
        Head,
        Augmentation,
        AnyStage,
        Metric,
        Calibrator,
        Threshold,
        Exporter,
        Launcher,
    )
}
