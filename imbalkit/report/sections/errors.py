"""The worst errors of the test, with what the network looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from imbalkit.base.text import percent
from imbalkit.errors import ImbalkitError
from imbalkit.report.context import Report, explain
from imbalkit.report.galleries import Shown, shown
from imbalkit_lite.text import printable

if TYPE_CHECKING:
    from imbalkit.training.ensemble import EnsembleMember

MOST = 12  # pictures a gallery
MOST_COLUMNS = 10  # of a table, those that the network takes first
MOST_CLASSES = 6  # without a positive class: classes whose errors are shown, the most often wrong first
BATCH = 8  # pictures at once through the network and back


@dataclass(frozen=True)
class Gallery:
    """Rows of one kind of error, the worst first.

    Attributes:
        title: what they are
        rows: positions among the test rows
        total: how many there are in all
        shown: class whose probability is shown, for each row
    """

    title: str
    rows: np.ndarray
    total: int
    shown: np.ndarray


def values(report: Report) -> dict[str, Any] | None:
    """Misses and false alarms, or the surest mistakes of each class; None where nothing is wrong."""
    chosen = galleries(report)
    if not chosen:
        return None
    rows = np.concatenate([gallery.rows for gallery in chosen])
    frame = report.run.split_rows().frame
    sources = frame["source"].to_numpy()[rows]
    problem, pixels, heat, why_no_heat = "", None, None, ""
    if not report.run.has_images:
        return {"tables": [_table(report, gallery) for gallery in chosen], "galleries": [], "problem": ""}
    try:
        pixels = report.pixels(sources)
    except ImbalkitError as error:
        problem = explain(error)
    if pixels is not None:
        heat, why_no_heat = heat_maps(
            report, pixels, report.run.split_rows().decisions[rows], _columns(report, frame, rows)
        )
    pictures, start = [], 0
    for gallery in chosen:
        span = slice(start, start + len(gallery.rows))
        start = span.stop
        pictures.append(
            {
                "title": gallery.title,
                "total": gallery.total,
                "shown": _pictures(report, gallery, pixels[span], None if heat is None else heat[span])
                if pixels is not None
                else [],
                "names": [] if pixels is not None else _names(report, gallery),
            }
        )
    return {
        "tables": [],
        "galleries": pictures,
        "problem": problem,
        "why_no_heat": why_no_heat,
        "heat": heat is not None,
        "views": _averages_views(report),
    }


def _averages_views(report: Report) -> bool:
    members = report.run.metrics.get("ensemble", {}).get("members", [])
    return bool(report.run.metrics.get("views")) or any(member["views"] != "none" for member in members)


def _table(report: Report, gallery: Gallery) -> dict[str, Any]:
    """Rows of a run without images as cells: the number that each is shown for, its name, and its columns as the network takes
    them."""
    test, names = report.run.split_rows(), [fitted.column.name for fitted in report.run.columns][:MOST_COLUMNS]
    cells = test.frame.iloc[gallery.rows][[f"metadata_{name}" for name in names]]
    return {
        "title": gallery.title,
        "total": gallery.total,
        "columns": [printable(name) for name in names],
        "rows": [
            [
                f"{report.classes[gallery.shown[place]]} {percent(test.probabilities[row, gallery.shown[place]])}",
                report.name_of(test.frame["source"].iloc[row]),
                *(
                    "missing" if pd.isna(cell) else printable(f"{cell:.6g}" if isinstance(cell, float) else cell)
                    for cell in line
                ),
            ]
            for place, (row, line) in enumerate(
                zip(gallery.rows, cells.itertuples(index=False, name=None), strict=True)
            )
        ],
    }


def galleries(report: Report) -> list[Gallery]:
    """The rows to show."""
    run, test = report.run, report.run.split_rows()
    wrong = test.labels != test.decisions
    if run.positive is not None:
        probability, name = test.probabilities[:, run.positive], report.positive
        missed = np.flatnonzero((test.labels == run.positive) & (test.decisions != run.positive))
        alarms = np.flatnonzero((test.labels != run.positive) & (test.decisions == run.positive))
        found = [
            (f"Missed {name} (false negatives)", missed, probability[missed]),
            (f"False alarms (false positives): {run.other} predicted as {name}", alarms, -probability[alarms]),
        ]
        return [
            Gallery(
                title,
                rows[np.argsort(order, kind="stable")][:MOST],
                len(rows),
                np.full(min(MOST, len(rows)), run.positive),
            )
            for title, rows, order in found
            if len(rows)
        ]
    result = []
    counts = np.bincount(test.labels[wrong], minlength=len(report.classes)) / np.maximum(
        np.bincount(test.labels, minlength=len(report.classes)), 1
    )
    for code in np.argsort(-counts, kind="stable")[:MOST_CLASSES]:
        rows = np.flatnonzero(wrong & (test.labels == code))
        sure = test.probabilities[rows, test.decisions[rows]]
        rows_shown = rows[np.argsort(-sure, kind="stable")][: MOST // 2]
        if len(rows):
            result.append(
                Gallery(
                    f"{report.classes[code]} predicted as another class",
                    rows_shown,
                    len(rows),
                    test.decisions[rows_shown],
                )
            )
    return result


def _columns(report: Report, frame: pd.DataFrame, rows: np.ndarray) -> np.ndarray | None:
    """What the network takes beside each picture, float32 [n, W]; None for nothing."""
    encoding = report.run.encoding
    if encoding is None:
        return None
    cells = frame.iloc[rows][[f"metadata_{name}" for name in encoding.names]].itertuples(index=False, name=None)
    return encoding.encode(dict(zip(encoding.names, row, strict=True)) for row in cells)


def heat_maps(
    report: Report, pixels: np.ndarray, targets: np.ndarray, columns: np.ndarray | None = None
) -> tuple[np.ndarray | None, str]:
    """Grad-CAM of each picture for its target class, float32 [n, h, w], or None and why not; columns stay as they are.

    Of an ensemble it is the mean over its members, each map scaled to its largest value.
    """
    if report.model is None:
        return None, report.why or "the network is unavailable"
    import torch

    from imbalkit.functional.gradcam import grad_cam, mean_of_maps
    from imbalkit.plan.rendering import to_float
    from imbalkit.training.ensemble import Ensemble

    model = report.model
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    try:
        parts = []
        for start in range(0, len(pixels), BATCH):
            span = slice(start, start + BATCH)
            images = to_float(torch.from_numpy(pixels[span]).to(device))
            beside = () if columns is None else (torch.from_numpy(columns[span]).to(device),)
            codes = torch.from_numpy(targets[span].astype(np.int64))
            if isinstance(model, Ensemble):
                members = (cast("EnsembleMember", each) for each in model.members)
                maps = [grad_cam(each.network, images, codes, *each.beside(*beside)) for each in members]
            else:
                maps = [grad_cam(model, images, codes, *beside)]
            known = [found for found in maps if found is not None]
            if len(known) < len(maps):
                return None, "this network has no feature maps" if len(maps) == 1 else "a member has no feature maps"
            parts.append((known[0] if len(known) == 1 else mean_of_maps(known)).cpu().numpy())
        return np.concatenate(parts), ""
    except RuntimeError as error:  # such as a device out of memory
        return None, f"the network failed: {error}"
    finally:
        model.train(training)


def _pictures(report: Report, gallery: Gallery, pixels: np.ndarray, heat: np.ndarray | None) -> list[Shown]:
    run, test = report.run, report.run.split_rows()
    found = []
    for place, row in enumerate(gallery.rows):
        label, decision = report.classes[test.labels[row]], report.classes[test.decisions[row]]
        shown_class = report.classes[gallery.shown[place]]
        share = percent(test.probabilities[row, gallery.shown[place]])
        text = f"{shown_class} {share}" if run.positive is not None else f"predicted {shown_class} {share}"
        source = test.frame["source"].iloc[row]
        lines = (report.name_of(source), report.caption(source))
        alt = f"Test image of {label}, predicted as {decision}; {text}"
        found.append(shown(pixels[place], alt, text, lines, None if heat is None else heat[place]))
    return found


def _names(report: Report, gallery: Gallery) -> list[str]:
    test = report.run.split_rows()
    frame = test.frame
    known = "path" in frame
    return [
        f"{str(frame['path'].iloc[row]).rpartition('/')[2] if known else 'sample ' + str(frame['source'].iloc[row])} "
        f"({percent(test.probabilities[row, gallery.shown[place]])})"
        for place, row in enumerate(gallery.rows)
    ]
