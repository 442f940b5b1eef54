"""Marks that stand for methods, the same in every figure: colour by loss, marker by treatment; and their legend."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from imbalkit.plots import style
from imbalkit.plots.study.methods import METHOD
from imbalkit.plots.study.names import NO_SAMPLER

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE, SMALL = 6.0, 2.4  # points: a method, one run of several
MOST_LINES = 45  # of a column of the legend


@dataclass(frozen=True)
class Marks:
    """Colour of each loss and marker of each treatment (of each loss where there is but one treatment)."""

    colours: dict[str, str]
    markers: dict[str, str]
    by: str  # the column that chooses the marker

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Marks:
        """The marks of a frame of methods (imbalkit.plots.study.methods.data)."""
        by = "treatment" if frame["treatment"].nunique() > 1 else "loss"
        return cls(
            style.assign(ordered(frame["loss"]), style.COLOURS, style.OTHER_COLOUR),
            style.assign(
                sorted(ordered(frame[by]), key=lambda name: not name.startswith(NO_SAMPLER)),
                style.MARKERS,
                style.OTHER_MARKER,
            ),
            by,
        )

    def look(self, row: pd.Series) -> dict[str, Any]:
        """Colour, marker and size of a row's mark, as matplotlib's `plot` takes them."""
        shape = shape_of(self.markers[row[self.by]], self.colours[row["loss"]], row["mark"] == METHOD)
        if row["mark"] == METHOD:
            return shape
        return shape | {"markersize": SMALL, "markeredgewidth": min(0.4, shape["markeredgewidth"]), "alpha": 0.55}


def shape_of(marker: str, colour: str, edge: bool = False) -> dict[str, Any]:
    """Marker and colour as matplotlib's `plot` takes them; `edge`: a white rim, so that overlapping marks stay apart."""
    shape: dict[str, Any] = {
        "color": colour,
        "marker": marker.removesuffix(style.OPEN),
        "markersize": SIZE * (1.4 if marker == "*" else 1),
        "zorder": 4,
    }
    if marker.endswith(style.OPEN):
        return shape | {"markerfacecolor": "white", "markeredgewidth": 1.1, "markersize": SIZE - 0.8}
    return shape | ({"markeredgecolor": "white", "markeredgewidth": 0.5} if edge else {"markeredgewidth": 0})


def ordered(names: Iterable[str]) -> list[str]:
    """Distinct names in the order of every figure: by alphabet, numbers in them by value ("gamma 2" before "gamma 10")."""

    def key(name: str) -> list[tuple[float, str]]:
        parts = re.split(r"(\d+(?:\.\d+)?)", name)
        return [(float(part), "") if index % 2 else (-1.0, part) for index, part in enumerate(parts)]

    return sorted(set(names), key=key)


def legend(figure: Figure, frame: pd.DataFrame, marks: Marks) -> None:
    """What colours and markers mean, to the right of the panels; makes the figure higher if it must.

    Where labels are shared between losses (axes of a sweep), losses and labels are listed apart; where every method has a
    name of its own, methods are listed under their losses.
    """
    methods = frame[frame["mark"] == METHOD]
    shared = marks.by == "treatment" and (methods.groupby("label")["loss"].nunique() > 1).any()
    apart = shared and (methods.groupby("treatment")["label"].nunique() == 1).all()
    entries = _apart(methods, marks) if apart else _by_loss(methods, marks)
    if len(entries) < 2:
        return
    handles, labels = zip(*entries, strict=True)
    lines = sum(label.count("\n") + 1 for label in labels)
    columns = math.ceil(lines / MOST_LINES)
    figure.set_figheight(max(figure.get_figheight(), 0.165 * lines / columns + 0.2))
    box = figure.legend(
        handles,
        labels,
        loc="outside right upper",
        ncols=columns,
        handlelength=1.2,
        labelspacing=0.35,
        borderaxespad=0.2,
    )
    for text, handle in zip(box.get_texts(), handles, strict=True):
        if not handle.get_visible():  # a heading
            text.set_fontweight("bold")


Entries = list[tuple["Artist", str]]


def _apart(methods: pd.DataFrame, marks: Marks) -> Entries:
    labels = dict(zip(methods["treatment"], methods["label"], strict=True))
    return [
        _heading("loss"),
        *(_entry(loss, colour, "o") for loss, colour in marks.colours.items()),
        _heading(""),
        _heading("training rows"),
        *(_entry(labels[name], style.NOTE, marker) for name, marker in marks.markers.items()),
    ]


def _by_loss(methods: pd.DataFrame, marks: Marks) -> Entries:
    entries: Entries = []
    for loss, colour in marks.colours.items():
        own = methods[methods["loss"] == loss]
        entries += [_heading("")] if entries else []
        entries += [_heading(loss)] if len(marks.colours) > 1 else []
        seen = dict(zip(own["label"], own[marks.by], strict=True))
        entries += [_entry(label, colour, marks.markers[name]) for label, name in seen.items()]
    return entries


def _entry(text: str, colour: str, marker: str) -> tuple[Artist, str]:
    from matplotlib.lines import Line2D

    handle = Line2D([], [], linestyle="", **shape_of(marker, colour))
    return handle, "\n".join(textwrap.wrap(text, 34))


def _heading(text: str) -> tuple[Artist, str]:
    from matplotlib.lines import Line2D

    return Line2D([], [], visible=False), "\n".join(textwrap.wrap(text, 32))


def rate_labels(frame: pd.DataFrame) -> tuple[str, str]:
    """Labels of the two rates, with the classes if all rows have the same."""
    pairs = frame[["positive_class", "negative_class"]].drop_duplicates()
    if len(pairs) != 1:
        return "miss rate, FNR", "false alarm rate, FPR"
    positive, negative = pairs.iloc[0]
    return (
        f"miss rate, FNR ({positive} predicted as {negative})",
        f"false alarm rate, FPR ({negative} predicted as {positive})",
    )


def notes(frame: pd.DataFrame, intervals: str) -> list[str]:
    """Small print: what was tested, what marks and `intervals` ("crosses") are, which methods have folds to come."""
    methods = frame[frame["mark"] == METHOD]
    one_half = (methods["at"] == "half").all() or (methods["threshold"] == 0.5).all()
    at = "at threshold 0.5" if one_half else "at the threshold chosen on validation"
    largest = methods.iloc[int(methods["positives"].argmax())]
    tested = (
        f"{largest['positives'] + largest['negatives']:,.0f} test samples, {largest['positives']:,.0f} of them "
        f"{largest['positive_class']}"
    )
    lines = [f"Decisions {at}. {tested}. {intervals}: 95 % Wilson intervals over test samples."]
    if len(methods) < len(frame):
        pooled = [
            *(["folds pooled"] if _number_of_folds(methods) > 1 else []),
            *(["mean over seeds"] if methods["seeds"].max() > 1 else []),
        ]
        lines[0] += f" Small marks: single runs; large marks: {', '.join(pooled) or 'their mean'}."
    return lines + _folds(methods)


def _number_of_folds(methods: pd.DataFrame) -> int:
    return max(len(folds.split()) for folds in methods["folds"])


def _folds(methods: pd.DataFrame) -> list[str]:
    """Which folds were tested, where these are not all."""
    number = methods["folds"].map(lambda folds: len(folds.split()))
    if (methods["folds"] == "").all() or (number == methods["folds_of"]).all():
        return []
    total = methods["folds_of"].max()
    if methods["folds"].nunique() == 1:
        return [f"Tested on {number.iloc[0]} of {total} folds ({methods['folds'].iloc[0].replace(' ', ', ')})."]
    short = methods[number < methods["folds_of"]]
    if len(short) > 5:
        which = f"{number.min()} to {number.max()} of {total} folds a method"
    else:
        which = "; ".join(
            f"{row['label']}: {len(row['folds'].split())} of {row['folds_of']}" for _, row in short.iterrows()
        )
    return [f"Methods are not tested on the same folds, and so not on the same samples: {which}."]


def panels(figure: Figure, names: Sequence[str], rows: int, columns: int) -> list[Axes]:
    """Panels, line by line; the first ones are titled with the names if there are several names."""
    found = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, name in zip(found, names if len(names) > 1 else (), strict=False):
        axes.set_title("\n".join(textwrap.wrap(name, 24)))
    return found
