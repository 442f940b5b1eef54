"""What a teacher says of samples: probabilities at the class prior of the student's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.base.text import percent
from imbalkit.data.column_inputs import encode_frame
from imbalkit.engine.teachers import Lesson
from imbalkit.errors import RunError, listing
from imbalkit.functional.prior import at_prior
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.runs.data_prior import restored_to_data
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    from imbalkit.data.table import Table
    from imbalkit.recipe.prepared import Prepared
    from imbalkit.runs.restored import Restored

OFF, TENTH = 3.0, 0.1  # standard errors, and share of it, by which a mean probability may be off without a note
TEACHER = "{teacher}"  # stands for its folder in the notes, as that may move and runs share what it says
LEAST = 1e-12  # of a teacher's probability, so that its logarithm is finite


def columns_of(run: RunData, table: Table) -> np.ndarray | None:
    """What a teacher takes beside each image of the student's table, float32 [samples, W]; None for nothing."""
    return None if run.encoding is None else encode_frame(run.encoding, table.frame)


def teacher_table(lesson: Lesson, prepared: Prepared, device: Any) -> dict[str, Any]:
    """What a teacher says, at the student's prior of the data.

    Returns:
        "table": logarithms of probabilities, float32 tensor [samples, C], 0 for other samples than those to train on; "notes"
    """
    import torch

    from imbalkit.runs.restore import restore

    table, classes = prepared.table, prepared.classes
    data = prior_ledger(prepared).data
    total = np.zeros((len(lesson.rows), len(classes)))
    notes: list[str] = []
    for member, teaches in zip(lesson.members, lesson.teaches, strict=True):
        if not teaches.any():
            continue
        restored, run = _with_views(restore(member.folder, device), lesson.teacher.views), RunData(member.folder)
        samples = lesson.rows[teaches]
        columns = columns_of(run, table)
        if table.arrays is None:
            paths = table.frame["path"].iloc[samples].tolist()
            logits = restored.logits(paths, columns=None if columns is None else columns[samples])
        else:
            logits = restored.logits(table.arrays, samples, columns)
        try:
            decision, prior = restored_to_data(run, restored.recipe, restored.decision)
        except RunError as error:
            raise RunError(f"{run.folder} cannot teach: {error}") from error
        name = "/".join([TEACHER, *member.folder.parts[len(Path(lesson.teacher.run).expanduser().parts) :]])
        notes += [f"of the teacher {name}: {text}" for text in decision.notes]
        found = at_prior(
            decision.at_data_prior(logits)[:, [restored.classes.index(name) for name in classes]],
            prior[[restored.classes.index(name) for name in classes]],
            data,
        )
        total[teaches] += found
    mean = total / lesson.teaches.sum(axis=0)[:, None]
    notes += _off(mean, table.labels[lesson.rows].astype(np.int64), classes)
    result = np.zeros((len(table), len(classes)), dtype=np.float32)
    result[lesson.rows] = np.log(np.maximum(mean, LEAST))
    return {"table": torch.from_numpy(result), "notes": list(dict.fromkeys(notes))}


def _with_views(restored: Restored, views: str | None) -> Restored:
    """A network that averages other views than its recipe says; None for those."""
    if views is None:
        return restored
    predict = restored.recipe.predict.model_copy(update={"views": views})
    return replace(restored, recipe=restored.recipe.model_copy(update={"predict": predict}))


def _off(said: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> list[str]:
    """A note on classes whose probabilities [n, C] are too high or too low on average: the student takes that over."""
    off = []
    for label, name in enumerate(classes):
        right = labels == label
        mean, share = float(said[:, label].mean()), float(right.mean())
        error = np.std(said[:, label] - right) / np.sqrt(len(labels))
        if abs(mean - share) > max(OFF * error, TENTH * share):
            off.append(f"{name} {percent(mean)} where {percent(share)} are")
    if not off:
        return []
    return [
        f"the probabilities of the teacher {TEACHER} are off on average over the training rows ({listing(off, 4)}), and the "
        "student takes that over: let the teacher's decision restore the prior and calibrate with `vector`, which moves it"
    ]
