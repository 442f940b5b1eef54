"""The rows that `predict` gives, one an image: their columns, and how they are written."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from imbalkit_lite.inputs import Item
from imbalkit_lite.text import cell, json_text, printable

if TYPE_CHECKING:
    from imbalkit_lite.predictor import BatchPrediction, Predictor

PATH, DECISION, ABSTAINED, ERROR = "path", "decision", "abstained", "error"
ROW = "row"  # in place of the path, of a model that takes rows of a table: their numbers, from 1
Row = dict[str, Any]


def key_of(predictor: Predictor) -> str:
    """The name of the column that says what was predicted: "path", or "row" for a model without images."""
    return PATH if predictor.channels else ROW


def columns_of(classes: Sequence[str], extra: Sequence[str] = (), key: str = PATH) -> list[str]:
    """path (or row), decision, abstained, probability_<class> ..., error, then the other columns of the tables (with `_in_table`
    after a name that is taken)."""
    fixed = [key, DECISION, ABSTAINED, *(f"probability_{name}" for name in classes), ERROR]
    return [*fixed, *_renamed(fixed, extra).values()]


def _renamed(fixed: Sequence[str], extra: Sequence[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name in extra:
        place = name
        while place in fixed or place in names.values() or (place != name and place in extra):
            place = f"{place}_in_table"
        names[name] = place
    return names


class RowMaker:
    """Makes the rows. A file that cannot be read has `error` and nothing else; the others have None there."""

    def __init__(self, classes: Sequence[str], extra: Sequence[str] = (), key: str = PATH):
        self.classes, self.key = tuple(classes), key
        self.columns = columns_of(classes, extra, key)
        self._extra = _renamed(columns_of(classes, key=key), extra)

    def predicted(self, item: Item, prediction: BatchPrediction, index: int) -> Row:
        """The row of an image, `index` in its batch's prediction."""
        row = self._row(item)
        row[DECISION] = self.classes[int(prediction.decisions[index])]
        row[ABSTAINED] = bool(prediction.abstained[index])
        for name, value in zip(self.classes, prediction.probabilities[index].tolist(), strict=True):
            row[f"probability_{name}"] = value
        return row

    def failed(self, item: Item, error: str) -> Row:
        """The row of a file that cannot be read."""
        return self._row(item) | {ERROR: error}

    def _row(self, item: Item) -> Row:
        row = dict.fromkeys(self.columns) | {self.key: item.path}
        return row | {self._extra[name]: value for name, value in item.extra.items()}


def write_csv(rows: Iterable[Row], columns: Sequence[str], stream: IO[str]) -> Iterator[Row]:
    """Write CSV with a header, nothing for None, text as `cell` gives it; gives each row on once it is written."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(cell, columns))
    for row in rows:
        writer.writerow([cell(row[name]) for name in columns])
        yield row


def write_json(rows: Iterable[Row], columns: Sequence[str], stream: IO[str]) -> Iterator[Row]:
    """Write JSON lines (one object a line, every key in each); gives each row on once it is written."""
    for row in rows:
        stream.write(json_text(row, default=str) + "\n")
        yield row


def write_text(predictor: Predictor, rows: Iterable[Row], columns: Sequence[str], stream: IO[str]) -> Iterator[Row]:
    """Lines for a person: decision, probability (of the positive class, or of the decision), path."""
    positive = None if predictor.positive is None else predictor.classes[predictor.positive]
    width = max(len(printable(name)) for name in (*predictor.classes, DECISION))
    title = "probability" if positive is None else f"probability of {printable(positive)}"
    key = key_of(predictor)
    stream.write(f"{DECISION:{width}}  {title}  {key}\n")
    for row in rows:
        if row[ERROR] is None:
            value = f"{row[f'probability_{positive or row[DECISION]}']:.4f}"
            note = "  (abstains)" if row[ABSTAINED] else ""
        else:
            value, note = "", f"  {printable(row[ERROR])}"
        decision = printable(row[DECISION] or "error")
        stream.write(f"{decision:{width}}  {value:>{len(title)}}  {printable(row[key])}{note}\n")
        yield row
