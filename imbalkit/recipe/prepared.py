"""A recipe that can run: its data, their split, and the class counts that its samplers will give."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from imbalkit.base.randomness import derive_seed
from imbalkit.catalogue import Catalogue
from imbalkit.data.column_inputs import FittedColumn, encode_frame
from imbalkit.data.features import Features
from imbalkit.data.split import Split
from imbalkit.data.table import Table
from imbalkit.functional.distinct import without
from imbalkit.functional.prior import shares
from imbalkit.kinds import TrainedStage
from imbalkit.plan import Counts, Plan
from imbalkit.recipe.features import feature_notes, fitted_features
from imbalkit.recipe.inputs import InputSettings, fitted, number_notes, risk_notes
from imbalkit.recipe.recipe import Recipe
from imbalkit_lite.columns import ColumnEncoding


@dataclass(frozen=True)
class StageCounts:
    """Class counts after one stage: "train", "samplers[0] oversample", "samplers[1] loss_rank, round 2"."""

    stage: str
    counts: Counts


@dataclass(frozen=True)
class Prepared:
    """A recipe that can run: its data, split, and the counts that its samplers will give."""

    name: str
    recipe: Recipe
    catalogue: Catalogue
    table: Table
    split: Split
    class_counts: tuple[StageCounts, ...]
    variables: tuple[str, ...] = ()  # environment variables that the recipe's paths name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.table.classes

    @property
    def positive(self) -> int | None:
        """Label code of the positive class: the recipe's, else the smaller of two classes, else None."""
        if self.recipe.positive is not None:
            return self.classes.index(self.recipe.positive)
        return int(np.argmin(self.table.counts())) if len(self.classes) == 2 else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the data, the split, the loss and the learning rate."""
        return (
            *self.input_notes,
            *self.table.all_notes,
            *self.split.notes,
            *self._loss_notes(),
            *self._training_notes(),
        )

    @cached_property
    def input_notes(self) -> list[str]:
        """What a user should know of the columns that the network takes."""
        if self.inputs is None:
            return []
        numbers = number_notes(self.inputs, self.table, self.fitted_columns)
        if isinstance(self.inputs, Features):
            return [*numbers, *feature_notes(self.inputs, self.table, self.split.train)]
        return [*numbers, *risk_notes(self.inputs, self.table, self.split.train)]

    @property
    def inputs(self) -> InputSettings | Features | None:
        """The columns that the network takes: all that it takes (a table without images), those beside the image, or none."""
        return self.table.features or self.recipe.inputs

    @cached_property
    def fitted_columns(self) -> list[FittedColumn]:
        """What training rows say of the columns that the network takes; empty without any."""
        if self.table.features is not None:
            found = fitted_features(self.table.features, self.table, self.split.train)
        else:
            found = {} if self.recipe.inputs is None else fitted(self.recipe.inputs, self.table, self.split.train)
        return [column for column in found.values() if isinstance(column, FittedColumn)]

    @property
    def encoding(self) -> ColumnEncoding | None:
        """How the network takes columns; None for one that takes none."""
        return ColumnEncoding(tuple(fitted.column for fitted in self.fitted_columns)) if self.fitted_columns else None

    @cached_property
    def columns(self) -> np.ndarray | None:
        """The columns of every sample as the network takes them, float32 [samples, W]; None without such inputs."""
        return None if self.encoding is None else encode_frame(self.encoding, self.table.frame)

    def _loss_notes(self) -> list[str]:
        """Of each loss, with the rows of each class in a batch as its order visits them; none where they are not known."""
        recipe, counts, deferred = self.recipe, self.class_counts[-1].counts, self.recipe.deferred
        if not counts.is_exact:
            return []
        trained = [(recipe.order, recipe.loss)]
        if deferred is not None:
            trained.append((deferred.order or recipe.order, deferred.loss or recipe.loss))
        notes = []
        for order, loss in trained:
            factors, visits = order.prior_shift(counts.low).factors, order.epoch_rows(counts.low)
            if factors is None:
                continue
            batch = visits / max(1, math.ceil(visits / recipe.training.batch_size))
            rows = batch * shares([count * factor for count, factor in zip(counts.low, factors, strict=True)])
            notes += loss.notes(self.classes, tuple(map(float, rows)), self.positive, order)
        return list(dict.fromkeys(notes))

    def _training_notes(self) -> list[str]:
        """Of the training's learning rate and of each stage's, and of stages that ask for augmentation where there is none."""
        training, stages = self.recipe.training, self.recipe.stages
        notes = training.schedule.cautions(training.epochs)
        for stage in stages:
            if isinstance(stage, TrainedStage):
                notes += [f"stage {stage.name}: {note}" for note in stage.schedule.cautions(stage.epochs)]
                if stage.augment and not self.recipe.augment:
                    notes.append(f"stage {stage.name}: `augment: true` changes nothing, as the recipe has no `augment`")
        return notes

    def source_plan(self, bad: Iterable[int] = ()) -> Plan:
        """The training rows before any sampler, less the samples whose images are unreadable."""
        rows = without(self.split.train, np.asarray(list(bad), dtype=np.int64))
        return Plan.from_labels(
            self.table.labels[rows], self.classes, sources=rows, seed=derive_seed(self.recipe.seed, "plan")
        )
