"""The files of a finished run: predictions, plan, weights, and metrics.json at the end."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.base.files import write_json, write_parquet
from imbalkit.data.column_inputs import FittedColumn
from imbalkit.data.table import RESERVED
from imbalkit.decision.decision import Decision
from imbalkit.engine.run_metrics import HeldOut
from imbalkit.runs import folder as run_folder
from imbalkit_lite.files import write_atomic

if TYPE_CHECKING:
    from imbalkit.training.classifier import Classifier


def write_run(
    folder: Path,
    predictions: pd.DataFrame,
    plan: pd.DataFrame,
    model: Classifier,
    image_shape: Sequence[int],
    columns: Sequence[FittedColumn] = (),
) -> None:
    """Write predictions.parquet, plan.parquet, model.safetensors and the facts that restoring the model needs.

    `columns` are the inputs beside the image: what was fitted of them goes into columns.json.
    """
    if columns:
        write_json(folder / run_folder.COLUMNS, {"columns": [fitted.to_json() for fitted in columns]})
    write_parquet(folder / run_folder.PREDICTIONS, predictions)
    write_parquet(folder / run_folder.PLAN, plan)
    write_weights(folder / run_folder.WEIGHTS, model)
    run_folder.note_finished(folder, image_shape=list(image_shape))


def finish_run(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Write metrics.json, last of all: a folder that has it is complete. Checkpoints are no longer needed."""
    write_json(folder / run_folder.METRICS, metrics)
    shutil.rmtree(folder / run_folder.CHECKPOINTS, ignore_errors=True)


def predictions_table(
    frame: pd.DataFrame, classes: Sequence[str], held_out: Mapping[str, HeldOut], decision: Decision
) -> pd.DataFrame:
    """A row for each sample of validation and test: what it is, what the network predicts, what is decided.

    Args:
        frame: the table's columns, a row a sample
        classes: class names
        held_out: "validation" and "test"
        decision: what was fitted on validation
    """
    parts = [_predictions(frame, classes, split, rows, decision) for split, rows in held_out.items()]
    return pd.concat(parts, ignore_index=True)


def _predictions(
    frame: pd.DataFrame, classes: Sequence[str], split: str, rows: HeldOut, decision: Decision
) -> pd.DataFrame:
    table, logits = frame.iloc[rows.samples], rows.logits
    probabilities = decision.probabilities(logits)
    names = np.array(classes, dtype=object)
    columns: dict[str, Any] = {"source": rows.samples, "split": split, "label": names[rows.labels]}
    columns |= {column: table[column].to_numpy() for column in ("path", "group") if column in table}
    columns |= {"decision": names[decision.decide(logits)], "abstained": decision.abstains(logits)}
    columns |= {f"probability_{name}": probabilities[:, index] for index, name in enumerate(classes)}
    columns |= {f"logit_{name}": logits[:, index] for index, name in enumerate(classes)}
    others = [column for column in table.columns if column not in RESERVED]
    columns |= {f"metadata_{column}": table[column].to_numpy() for column in others}
    return pd.DataFrame(columns)  # at once: one by one is slow from a hundred classes on, and pandas warns


def write_weights(path: Path, model: Classifier) -> None:
    """The network's parameters as safetensors."""
    from safetensors.torch import save

    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()})
    write_atomic(path, lambda temporary: temporary.write_bytes(content), len(content))
