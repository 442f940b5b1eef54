"""What teachers say of the training rows, computed once before training and kept by sample.

A teacher's logits are of a row's source picture, with the teacher's own image size, rule and normalisation; views of the plan and
random augmentation are the student's alone ("fixed teacher" in Beyer et al. 2022, whose consistent teaching would cost a pass
through the teacher each epoch).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imbalkit.data.split import split_table
from imbalkit.engine.teacher_probabilities import LEAST, TEACHER, columns_of, teacher_table
from imbalkit.engine.teachers import Lesson, find_members, plan_lesson, refusal
from imbalkit.errors import ImbalkitError, Problem, RecipeError, RunError
from imbalkit.kinds import Loss, Mixer, Order, Teacher, TrainedStage
from imbalkit.recipe.class_prior import prior_ledger, training_ledger
from imbalkit.recipe.document import Place, show_place
from imbalkit.recipe.traverse import parts_of
from imbalkit.runs.data_record import record_of
from imbalkit.runs.folder import WEIGHTS
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    from imbalkit.engine.round_cache import RoundCache
    from imbalkit.recipe.prepared import Prepared
    from imbalkit.recipe.recipe import Recipe
    from imbalkit.training.trainer import Trainer

Taught = Callable[[Loss, Order, "Mixer | None"], "np.ndarray | None"]


@dataclass(frozen=True)
class Teaching:
    """What the teachers of a run's losses say of its training rows.

    Attributes:
        tables: of each teacher, logarithms of probabilities at the student's prior of the data, float32 [samples, C]
        notes: what a reader must know
        facts: for metrics.json, an entry a teacher
        key: stands for all of it in a hash; "" without teachers
    """

    tables: dict[Teacher, np.ndarray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    facts: tuple[dict[str, Any], ...] = ()
    key: str = ""

    def at(self, prepared: Prepared, counts: Sequence[Sequence[int]]) -> Taught:
        """Gives the table of a training, float32 [samples, C], at the class prior that it leads to; None without a teacher.

        `counts` are rows of each class at each stage of the plan.
        """

        def taught(loss: Loss, order: Order, mixer: Mixer | None) -> np.ndarray | None:
            if loss.taught_by is None:
                return None
            factors = training_ledger(prepared, counts, loss, order, mixer).factors
            assert factors is not None  # as `check_teachers` made sure
            moved: np.ndarray = self.tables[loss.taught_by] + np.log(np.maximum(factors, LEAST)).astype(np.float32)
            return moved

        return taught


def taught_losses(recipe: Recipe) -> Iterator[tuple[Place, Loss, Order, Mixer | None]]:
    """The losses of trainings that have a teacher, each with its place, order and mixer."""
    deferred = recipe.deferred
    found: list[tuple[Place, Loss, Order, Mixer | None]] = [(("loss",), recipe.loss, recipe.order, recipe.mixer)]
    if deferred is not None:
        loss, order = deferred.loss or recipe.loss, deferred.order or recipe.order
        found.append((("deferred", "loss") if deferred.loss else ("loss",), loss, order, recipe.mixer))
    for index, stage in enumerate(recipe.stages):
        if isinstance(stage, TrainedStage):
            found.append((("stages", index, "loss"), stage.loss, stage.order, stage.mixer))
    return (each for each in found if each[1].taught_by is not None)


def check_teachers(prepared: Prepared) -> list[str]:
    """What a reader must know of the teachers, as far as the names of the files tell which rows they have seen.

    Raises RecipeError where a teacher cannot teach this run, or a fold of a cross-validation.
    """
    recipe, found, notes = prepared.recipe, [], []
    splits = {"": prepared.split}
    if recipe.split.runs_all_folds and any(True for _ in taught_losses(recipe)):
        folds = range(recipe.split.folds or 0)
        splits = {
            f"fold {n}: ": split_table(prepared.table, recipe.split.model_copy(update={"fold": n})) for n in folds
        }

    def problem(place: Place, message: str) -> None:
        found.append(Problem(show_place(place), message))

    trained = list(taught_losses(recipe))
    for place, part in parts_of(recipe):
        inside = any(place[: len(known)] == known for known, *_ in trained)
        if isinstance(part, Loss) and part.taught_by is not None and not inside:
            problem(
                place,
                f"{part.name!r} can train the network, its end (deferred) or a stage, but not rank rows for a sampler",
            )
    for place, loss, order, mixer in trained:
        teacher = loss.taught_by
        assert teacher is not None
        counts = [stage.counts.high for stage in prepared.class_counts]
        unknown = [
            entry
            for entry in training_ledger(prepared, counts, loss, order, mixer).entries
            if entry.shift.factors is None
        ]
        if unknown:
            problem(
                place,
                f"the teacher must be moved to the class prior that training leads to, and with {unknown[0].stage} that is not "
                f"known ({unknown[0].shift.why}): take another one, such as ce or logit_adjusted for a loss",
            )
        try:
            members = find_members(
                teacher, prepared.classes, record_of(prepared.table), list(prepared.table.frame.columns)
            )
        except ImbalkitError as error:
            problem((*place, "teacher"), str(error))
            continue
        for fold, split in splits.items():
            try:
                lesson = plan_lesson(teacher, members, split, split.train)
            except ImbalkitError as error:
                problem((*place, "teacher"), f"{fold}{error}")
                continue
            if lesson.is_refused:
                problem((*place, "teacher"), f"{fold}{refusal(lesson)}")
            notes += [f"{fold}{note}" for note in lesson.notes]
    if found:
        raise RecipeError(dict.fromkeys(found))
    return list(dict.fromkeys(notes))


def teach(
    prepared: Prepared,
    rows: np.ndarray,
    content: np.ndarray | None,
    trainer: Trainer,
    cache: RoundCache,
) -> Teaching:
    """What the teachers of a run say of its training rows: computed, or read from the run's checkpoints or another run's.

    Args:
        prepared: the run's recipe and data
        rows: samples to train on, int64 [n]
        content: a hash of each sample's file, uint64 [samples]; None where there are none
        trainer: of the run
        cache: what runs share

    Raises:
        RunError: a teacher that trained on test rows, or that is not what it was when this run began
    """
    from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint

    note, fabric = trainer.session.progress.note, trainer.session.fabric
    teachers = list(dict.fromkeys(loss.taught_by for _, loss, *_ in taught_losses(prepared.recipe) if loss.taught_by))
    tables, notes, facts, keys = {}, [], [], []
    for number, teacher in enumerate(teachers, start=1):
        lesson = _lesson(prepared, teacher, rows, content)
        key = lesson_key(lesson, prepared, content)
        file = trainer.folder / f"teacher-{number}.pt"

        def first(lesson: Lesson = lesson, key: str = key, file: Path = file) -> dict[str, Any]:
            if not file.exists():
                with cache.claim(key):
                    if not cache.fetch(key, {".pt": file}):
                        found = teacher_table(lesson, prepared, fabric.device)
                        save_checkpoint(file, {"key": key, **found})
                        cache.keep(key, {".pt": file})
            return load_checkpoint(file)

        saved = trainer.from_first(first)
        if saved["key"] != key:
            raise RunError(
                f"the teacher {teacher.run} is not what it was when this run began: put it back, or delete {file} and the other "
                "checkpoints to start anew"
            )
        tables[teacher] = saved["table"].numpy()
        own = [*lesson.notes, *(text.replace(TEACHER, teacher.run) for text in saved["notes"])]
        for text in own:
            note(f"note: {text}")
        notes += own
        facts.append(_facts(lesson))
        keys.append(key)
    return Teaching(tables, tuple(notes), tuple(facts), " ".join(keys))


def _lesson(prepared: Prepared, teacher: Teacher, rows: np.ndarray, content: np.ndarray | None) -> Lesson:
    table = prepared.table
    members = find_members(teacher, prepared.classes, record_of(table, content=content), list(table.frame.columns))
    lesson = plan_lesson(teacher, members, prepared.split, rows.astype(np.int64))
    if lesson.is_refused:  # what only the content of the files shows
        raise RunError(refusal(lesson))
    return lesson


def _facts(lesson: Lesson) -> dict[str, Any]:
    return {
        "run": lesson.teacher.run,
        "members": [member.folder.name for member in lesson.members],
        "rows": lesson.counts,
        "trained_on": lesson.leaked,
        "shared_samples": lesson.shared,
        "leak": lesson.leak,
    }


def lesson_key(lesson: Lesson, prepared: Prepared, content: np.ndarray | None) -> str:
    """A hash that is the same only where the same members say the same of the same pictures."""
    digest, table = hashlib.sha256(), prepared.table
    for member in lesson.members:
        run = RunData(member.folder)
        known = {name: run.metrics.get(name) for name in ("decision", "prior", "class_counts")}
        digest.update(json.dumps([run.recipe, known], sort_keys=True, default=str).encode())
        digest.update((member.folder / WEIGHTS).read_bytes())
        columns = columns_of(run, table)
        if columns is not None:
            digest.update(columns[lesson.rows].tobytes())
    pictures = record_of(table, content=content).iloc[lesson.rows]
    for column in ("content", "path"):
        if column in pictures:
            digest.update("\n".join(map(str, pictures[column])).encode())
            break
    digest.update(json.dumps([prepared.classes, prior_ledger(prepared).data.tolist(), len(table)]).encode())
    digest.update(lesson.rows.tobytes() + lesson.teaches.tobytes() + (lesson.teacher.views or "").encode())
    return digest.hexdigest()[:24]
