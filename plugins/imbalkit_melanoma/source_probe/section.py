"""A report section: how well a model's features predict the year, and its ROC AUC within each year.

All benign rows of the merge of Gilal et al. 2023 are of ISIC 2020 and most of its melanomas of ISIC 2019, so that a model
may predict the year in place of the disease. Only logistic regressions on features of the test rows are trained here.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.data.table import label_text, natural_order
from imbalkit.errors import DataError, ImbalkitError
from imbalkit.functional.bootstrap import Estimate
from imbalkit.runs import folder as run_folder
from imbalkit_melanoma.source_probe.linear_probe import (
    Probe,
    auc_by_source,
    linear_probe,
    score_by_source,
    within_classes,
)
from imbalkit_melanoma.source_probe.report import TITLE, markdown

if TYPE_CHECKING:
    from imbalkit.data.image_store import ImageStore
    from imbalkit.recipe.prepared import Prepared
    from imbalkit.runs.restored import Restored

COLUMN, FILE = "year", "source_probe.json"
FOLDS = 5
logger = logging.getLogger(__name__)


def section(folder: Path, metrics: Mapping[str, Any], prepared: Prepared) -> dict[str, str]:
    """The section of a run whose data have a column `year` of several values; its values go to source_probe.json.

    It states the reason where values are unavailable: they must not cost a finished training.
    """
    if COLUMN not in prepared.table.frame or len(source_names(prepared.table.frame[COLUMN]).dropna().unique()) < 2:
        return {}
    try:
        from imbalkit.runs.restore import restore

        facts = examine(restore(folder, metrics=metrics, prepared=prepared))
    except ImbalkitError as error:
        facts = {"missing": str(error)}
    except Exception as error:  # such as a device that is out of memory, beside the run's own network
        logger.warning("the source probe of %s failed", folder, exc_info=True)
        facts = {"missing": f"{type(error).__name__}: {error}"}
    run_folder.write_json(folder / FILE, facts)
    return {TITLE.format(COLUMN): markdown(facts)}


def examine(restored: Restored, column: str = COLUMN, folds: int = FOLDS) -> dict[str, Any]:
    """The values for a finished run, ready for JSON.

    Args:
        restored: the run
        column: column of its data with the source of each row
        folds: of the probes

    Raises:
        DataError: no such column, no test row with a source, data that are no longer there
    """
    prepared, classes = restored.prepared, restored.classes
    table = prepared.table
    if column not in table.frame:
        raise DataError(f"the data of {restored.folder} have no column {column!r}")
    known = source_names(table.frame[column])
    frame = pd.read_parquet(restored.folder / run_folder.PREDICTIONS)
    frame = frame[frame["split"] == "test"]
    of_row = known.iloc[frame["source"]].to_numpy()
    frame, unknown = frame[~pd.isna(of_row)], int(pd.isna(of_row).sum())
    if not len(frame):
        raise DataError(f"no test row has a {column}")
    rows = frame["source"].to_numpy()
    names = list(natural_order(known.dropna()))
    sources = pd.Categorical(known.iloc[rows], categories=names).codes.astype(np.int64)
    labels = table.labels[rows].astype(np.int64)
    groups = table.groups[rows] if table.groups is not None else None
    probabilities = frame[[f"probability_{name}" for name in classes]].to_numpy()
    train_labels, train_known = table.labels[prepared.split.train], known.iloc[prepared.split.train]
    facts: dict[str, Any] = {
        "column": column,
        "sources": names,
        "classes": list(classes),
        "positive": classes[restored.positive] if restored.positive is not None else None,
        "test_rows": len(rows),
        "without_source": unknown,
        "groups": None if groups is None else len(np.unique(groups)),
        "folds": folds,
        "counts": {
            name: {
                source: {
                    "train": int(((train_labels == label) & (train_known == source)).sum()),
                    "test": int(((labels == label) & (sources == code)).sum()),
                }
                for code, source in enumerate(names)
            }
            for label, name in enumerate(classes)
        },
        "roc_auc": {
            names[key] if isinstance(key, int) else key: _json(estimate)
            for key, estimate in auc_by_source(labels, probabilities, sources, groups, restored.positive).items()
        },
    }
    if restored.positive is not None:
        facts["probability"] = {
            name: _by_source(probabilities[:, restored.positive], labels == label, sources, groups, names)
            for label, name in enumerate(classes)
        }
    try:
        images = restored.images()
        seen = {"features": restored.features(images, rows, restored.columns), "colours": colours(images, rows)}
        facts["probe"] = {
            name: _probes(values, labels, sources, groups, classes, names, folds) for name, values in seen.items()
        }
    except ImbalkitError as error:
        facts["probe"] = {"missing": str(error)}
    return facts


def source_names(values: pd.Series) -> pd.Series:
    """A column as text, None where it is empty; whole floats (a column with gaps reads as such) lose their ".0"."""
    known = values.notna() & (values.astype(str).str.strip() != "")
    return label_text(values[known]).reindex(values.index).astype(object).where(known, None)


def colours(images: ImageStore, rows: np.ndarray, batch: int = 256) -> np.ndarray:
    """Mean and standard deviation of each channel, float64 [n, 2 C]: features without any network."""
    parts = []
    for start in range(0, len(rows), batch):
        pixels = images.take(rows[start : start + batch]).astype(np.float32)  # [n, H, W, C]
        parts.append(np.concatenate([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))], axis=1))
    return np.concatenate(parts)


def _probes(
    features: np.ndarray,
    labels: np.ndarray,
    sources: np.ndarray,
    groups: np.ndarray | None,
    classes: tuple[str, ...],
    names: list[str],
    folds: int,
) -> dict[str, Any]:
    """The probe on all rows, among the rows of each class, and over pairs of one class."""

    def probe(rows: np.ndarray) -> Probe:
        return linear_probe(features[rows], sources[rows], None if groups is None else groups[rows], folds)

    def facts_of(found: Probe) -> dict[str, Any]:
        rows = {names[code]: count for code, count in zip(found.sources, found.counts, strict=True)}
        values = {"auc": _json(found.auc), "balanced_accuracy": _json(found.balanced_accuracy)}
        return {"rows": rows, **values, "guessing": found.guessing}

    facts: dict[str, Any] = {"width": features.shape[1], "classes": {}}
    try:
        facts["all"] = facts_of(probe(np.ones(len(labels), dtype=bool)))
    except DataError as error:
        facts["all"] = {"missing": str(error)}
    probes = {}
    for label, name in enumerate(classes):
        try:
            probes[label] = probe(labels == label)
            facts["classes"][name] = facts_of(probes[label])
        except DataError as error:
            facts["classes"][name] = {"missing": str(error)}
    return facts | {"one class": {"auc": _json(within_classes(probes, sources, labels, groups))}}


def _by_source(
    scores: np.ndarray, of_class: np.ndarray, sources: np.ndarray, groups: np.ndarray | None, names: list[str]
) -> dict[str, Any]:
    """For each source, how often its rows score higher than those of the others, among the rows of a class."""
    if len(np.unique(sources[of_class])) < 2:
        return {}
    found = score_by_source(scores[of_class], sources[of_class], None if groups is None else groups[of_class])
    return {names[code]: _json(estimate) for code, estimate in found.items()}


def _json(estimate: Estimate) -> dict[str, float | None]:
    """Ready for JSON: None for what is not defined."""
    return {name: value if math.isfinite(value) else None for name, value in vars(estimate).items()}
