"""The runs that an ensemble is made of: opened, and refused unless their probabilities are of the same classes and images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.base.files import sha256_of
from imbalkit.decision.common_prior import Trained, alike, at_data_prior, share_a_shift, without_prevalence
from imbalkit.decision.decision import Decision
from imbalkit.errors import RunError, listing
from imbalkit.functional.ensembles import log_softmax
from imbalkit.kinds import Loss
from imbalkit.runs.data_record import RECORD, read_record
from imbalkit.runs.folder import WEIGHTS
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    import pandas as pd

    from imbalkit.data.column_inputs import FittedColumn
    from imbalkit.recipe.recipe import Recipe

SPLITS = ("test", "validation", "train")  # of a row, by how much of it a model has seen
TRAIN = SPLITS.index("train")
SAME = "; leave one out, or train it with the same `{}`"  # what to do about a member that does not fit


@dataclass(frozen=True, eq=False)
class Member:
    """A finished run of one network.

    Attributes:
        run: its files
        recipe: the resolved recipe
        decision: as the run fitted it
    """

    run: RunData
    recipe: Recipe
    decision: Decision

    @classmethod
    def open(cls, folder: Path) -> Member:
        """The run of a folder. Raises RunError."""
        from imbalkit.recipe.traverse import parts_of
        from imbalkit.runs.network import recipe_of_run

        run = RunData.load(folder)
        run.check_network()
        recipe, _ = recipe_of_run(folder, run.facts, run.classes)
        losses = [part for _, part in parts_of(recipe) if isinstance(part, Loss)]
        return cls(run, recipe, Decision.from_json(run.metrics["decision"], recipe.decision, losses))

    @property
    def name(self) -> str:
        """What messages call it: its folder."""
        return str(self.run.folder)

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of its weights."""
        return sha256_of(self.run.folder / WEIGHTS)

    @cached_property
    def record(self) -> pd.DataFrame:
        """Its data: a row for each sample, with the split that it is in. Raises RunError where the run has none."""
        record = read_record(self.run.folder / RECORD)
        if record is None or "split" not in record or not {"path", "content"} & set(record):
            raise RunError(
                f"{self.run.folder} does not say which rows it was trained on (no {RECORD}, as in runs of older versions): an "
                "ensemble is decided and tested on rows that no member was trained on; run it again"
            )
        return record

    @cached_property
    def seen(self) -> np.ndarray:
        """How much it has seen of each of its samples, int8 [n]: a place in SPLITS."""
        codes = self.record["split"].map({name: code for code, name in enumerate(SPLITS)})
        return codes.fillna(TRAIN).to_numpy(np.int8)

    @cached_property
    def logits(self) -> tuple[np.ndarray, np.ndarray]:
        """Its held-out samples and what its network gave for them: int64 [m], and float64 [m, C] before any correction."""
        frame = self.run.predictions
        columns = [f"logit_{name}" for name in self.run.classes]
        return frame["source"].to_numpy(np.int64), frame[columns].to_numpy(np.float64)

    @property
    def trained(self) -> Trained:
        """What is known of its probabilities."""
        from imbalkit.recipe.traverse import parts_of

        calibrator = self.recipe.decision.calibrator
        losses = [part for _, part in parts_of(self.recipe) if isinstance(part, Loss)]
        refitted = self.decision.calibrator is not None and calibrator is not None and calibrator.moves_prior
        return Trained(self.name, self.decision, self.run.metrics.get("prior"), losses, refitted)


@dataclass(frozen=True, eq=False)
class Members:
    """Runs whose probabilities can be averaged.

    Attributes:
        runs: the members, in order; the first one's recipe and data stand for the ensemble's
        decisions: of each member, with corrections that all end at one class prior
        as_trained: whether that is the prior of their training; else it is that of the data
        notes: what a reader must know of it
    """

    runs: tuple[Member, ...]
    decisions: tuple[Decision, ...]
    as_trained: bool
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def first(self) -> Member:
        return self.runs[0]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.first.run.classes

    @property
    def untested(self) -> tuple[str, ...]:
        """Those that left their test rows untouched."""
        return tuple(run.name for run in self.runs if not run.recipe.evaluation.test)

    @cached_property
    def columns(self) -> list[FittedColumn]:
        """What all take beside the image, as one input; empty for images alone."""
        from imbalkit.data.column_merge import merged

        return merged([member.run.columns for member in self.runs])

    def log_probabilities(self, member: int, logits: np.ndarray) -> np.ndarray:
        """Of a member's logits [n, C] its restored probabilities, as logarithms, float64 [n, C]."""
        from imbalkit.decision.corrections import corrected

        return log_softmax(corrected(logits, self.decisions[member].corrections))


def open_members(folders: Sequence[str | os.PathLike[str]]) -> Members:
    """The runs of some folders; a cross-validation stands for its folds, an ensemble for its members.

    Raises RunError for runs that are not finished, fewer than two, or runs that do not go together.
    """
    paths: list[Path] = []
    for folder in map(Path, folders):
        paths += RunData(folder).members or [folder]
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise RunError(f"{path} is named twice: expected different runs")
        seen.add(path.resolve())
    if len(paths) < 2:
        raise RunError(
            f"an ensemble needs two runs or more, or the folder of a cross-validation, got {listing(map(str, paths)) or 'none'}"
        )
    runs = tuple(Member.open(path) for path in paths)
    _check_different(runs)
    for other in runs[1:]:
        _check_fit(runs[0], other)
    return _with_one_prior(runs)


def _check_different(runs: Sequence[Member]) -> None:
    """Raise RunError for a network that is there twice: it would count twice in the mean."""
    known: dict[str, Member] = {}
    for run in runs:
        other = known.setdefault(run.weights_sha256, run)
        if other is not run:
            raise RunError(
                f"{other.name} and {run.name} have the same weights and would count twice: expected different runs"
            )


def _check_fit(first: Member, other: Member) -> None:
    """Raise RunError unless two runs have the same classes and take the same images."""
    here, there = first.run, other.run
    who = f"{here.folder} and {there.folder}"
    if set(here.classes) != set(there.classes):
        raise RunError(
            f"{who} have different classes: {listing(here.classes)}; {listing(there.classes)}{SAME.format('data')}"
        )
    if here.classes != there.classes:
        raise RunError(
            f"{who} have their classes in another order ({listing(here.classes)}; {listing(there.classes)}): an ensemble's "
            f"members give their probabilities in one order{SAME.format('data')}"
        )
    if here.positive != there.positive:
        names = [run.facts.get("positive") or "none" for run in (here, there)]
        raise RunError(f"{who} have different positive classes: {names[0]}; {names[1]}{SAME.format('positive')}")
    (*size, channels), (*other_size, other_channels) = (
        run.facts.get("image_shape") or (0, 0, 0) for run in (here, there)
    )
    if channels != other_channels:
        raise RunError(
            f"{who} take images of {channels} and of {other_channels} channels: an ensemble has one "
            f"input{SAME.format('data')}"
        )
    if size != other_size:
        sizes = [f"{height} x {width} px" for height, width in (size, other_size)]
        raise RunError(
            f"{who} take images of {sizes[0]} and of {sizes[1]}: an ensemble has one input{SAME.format('images.size')}"
        )
    kinds = [{fitted.column.name: fitted.column.kind for fitted in run.columns} for run in (here, there)]
    if kinds[0] != kinds[1]:
        columns = [listing(f"{name} ({kind})" for name, kind in own.items()) or "none" for own in kinds]
        raise RunError(
            f"{who} take different columns beside the image: {columns[0]}; {columns[1]}: an ensemble has one "
            f"input{SAME.format('inputs')}"
        )
    for key in ("resize", "interpolation", "exif", "bits"):
        values = [getattr(run.recipe.images, key) for run in (first, other)]
        if values[0] != values[1]:
            raise RunError(
                f"{who} make images fit in different ways (images.{key}: {values[0]}; {values[1]}): an ensemble has one "
                f"input{SAME.format(f'images.{key}')}"
            )


def _with_one_prior(runs: tuple[Member, ...]) -> Members:
    """The members with their probabilities at one class prior. Raises RunError where that is not possible."""
    models = [run.trained for run in runs]
    if share_a_shift(models):
        return Members(runs, tuple(without_prevalence(model.decision) for model in models), True)
    found = [at_data_prior(model) for model in models]
    decisions = tuple(decision for decision in found if decision is not None)
    if len(decisions) < len(found):
        name = models[found.index(None)].name
        raise RunError(
            f"the probabilities of {name} are for the class prior of its training, which cannot be worked out, and those of "
            "other members for another one: their mean would be for none. Train it with `decision: {prior: data}`"
        )
    return Members(runs, decisions, False, tuple(_prior_notes(models)))


def _prior_notes(models: Sequence[Trained]) -> list[str]:
    notes = []
    moved = [model.name for model in models if model.as_trained]
    if moved:
        notes.append(
            f"the probabilities of {listing(moved)} were for the class prior of training; in the ensemble they are for that of "
            "the data, as those of the other members"
        )
    priors = {model.name: np.array(list(model.prior["data"].values())) for model in models if model.prior is not None}
    first = next(iter(priors), None)
    for name, prior in priors.items():
        if first is not None and not alike(priors[first], prior):
            notes.append(
                f"the classes of {name}'s data have other shares than those of {first}: their mean is for neither"
            )
            break
    return notes
