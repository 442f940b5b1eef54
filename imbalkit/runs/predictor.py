"""The network of a run as a Predictor, and rows of predictions as DataFrames. imbalkit_lite.rows says what a row holds."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from imbalkit.errors import DataError, RunError, listing
from imbalkit_lite.columns import ColumnEncoding, Unknown, absent_note, unknown_notes
from imbalkit_lite.images import ImageRule
from imbalkit_lite.inputs import Inputs, Item
from imbalkit_lite.predicting import predict_rows
from imbalkit_lite.predictor import BatchPrediction, Predictor
from imbalkit_lite.rows import ABSTAINED, ERROR, PATH, Row, RowMaker, columns_of, key_of

if TYPE_CHECKING:
    from imbalkit.decision.decision import Decision
    from imbalkit.runs.restored import Restored


@dataclass(frozen=True)
class RunPredictor:
    """The network of a run, with the run's decision or another threshold: a Predictor of imbalkit_lite.predictor."""

    restored: Restored
    decision: Decision

    @classmethod
    def of(cls, restored: Restored, threshold: float | None = None, batch_size: int | None = None) -> RunPredictor:
        """At the run's decision and batch size, or at those given. Raises RunError for a threshold outside 0..1."""
        decision = restored.decision if threshold is None else at_threshold(restored, threshold)
        if batch_size is not None:
            if batch_size < 1:
                raise RunError(f"expected a batch size of at least 1, got {batch_size}")
            training = restored.recipe.training.model_copy(update={"batch_size": batch_size})
            restored = replace(restored, recipe=restored.recipe.model_copy(update={"training": training}))
        return cls(restored, decision)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.restored.classes

    @property
    def positive(self) -> int | None:
        return self.restored.positive

    @property
    def rule(self) -> ImageRule:
        return self.restored.rule

    @property
    def channels(self) -> int:
        return self.restored.context.channels

    @property
    def batch_size(self) -> int:
        return self.restored.recipe.training.batch_size

    @property
    def encoding(self) -> ColumnEncoding | None:
        return self.restored.encoding

    def predict(self, pixels: np.ndarray, columns: np.ndarray | None = None) -> BatchPrediction:
        """Pixels uint8 [n, H, W] or [n, H, W, C], of any size; columns [n, W]. Raises DataError for others."""
        logits, decision = self.restored.logits(pixels, columns=columns), self.decision
        abstained = self.restored.decision.abstains(logits)  # whatever the threshold
        return BatchPrediction(decision.probabilities(logits), decision.decide(logits), abstained)


def at_threshold(restored: Restored, threshold: float) -> Decision:
    """The run's decision with another threshold, and without costs. Raises RunError."""
    if restored.positive is None:
        raise RunError(
            f"{restored.folder} has no positive class to put a threshold to: of {listing(restored.classes)} the most "
            "probable one is predicted"
        )
    if not 0 <= threshold <= 1:
        raise RunError(f"expected a threshold from 0 to 1, got {threshold:g}")
    return replace(restored.decision, threshold=float(threshold), costs=None)


def predict_inputs(inputs: Inputs, predictor: Predictor) -> pd.DataFrame:
    """A row for each image, columns as `imbalkit_lite.rows.columns_of`.

    Warns of what was left out of folders, and of columns beside the image that are missing or hold unknown values.
    """
    encoding, unknown = predictor.encoding, Unknown()
    absent = "" if encoding is None else absent_note(encoding, inputs.tables, bool(predictor.channels))
    columns = columns_of(predictor.classes, inputs.columns, key_of(predictor))
    frame = _frame(list(predict_rows(inputs, predictor, unknown=unknown)), columns)
    for note in (*inputs.notes, absent, *([] if encoding is None else unknown_notes(unknown, encoding))):
        if note:
            warnings.warn(note, stacklevel=3)
    return frame


def predict_arrays(pixels: np.ndarray, predictor: Predictor) -> pd.DataFrame:
    """The same for pixels uint8 [n, H, W] or [n, H, W, C], which have no path and cannot fail."""
    beside: tuple[np.ndarray, ...] = ()
    if not predictor.channels:
        raise DataError("the model takes rows of a table: expected a DataFrame, or the path of a table, got an array")
    if predictor.encoding is not None:
        warnings.warn(absent_note(predictor.encoding, [()]), stacklevel=3)
        beside = (predictor.encoding.missing(len(pixels)),)
    prediction, maker, nowhere = predictor.predict(pixels, *beside), RowMaker(predictor.classes), Item("", None)
    rows = [maker.predicted(nowhere, prediction, index) for index in range(len(prediction.decisions))]
    return _frame(rows, maker.columns).drop(columns=[PATH, ERROR])


def _frame(rows: list[Row], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns).astype({ABSTAINED: "boolean"})
