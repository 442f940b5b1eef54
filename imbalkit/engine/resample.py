"""The samplers of a recipe, one after the other; rounds train, score and drop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.base.parameters import with_origin
from imbalkit.base.randomness import generator
from imbalkit.engine.made_rows import with_made_rows
from imbalkit.engine.round_cache import RoundCache
from imbalkit.errors import PlanError, listing
from imbalkit.functional.features import standardised
from imbalkit.kinds import Backbone, FeatureSampler, Sampler, ScoredSampler
from imbalkit.plan import Plan
from imbalkit.plan.audit import Step
from imbalkit.training.checked_modules import build_score
from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint
from imbalkit.training.trainer import Trainer
from imbalkit_lite.files import write_atomic

PlanChanged = Callable[[Plan, str], None]  # called with each new plan and its stage


def resample(
    plan: Plan,
    samplers: Sequence[Sampler | ScoredSampler | FeatureSampler],
    scorer: RoundScorer,
    seed: int,
    plan_changed: PlanChanged,
) -> tuple[Plan, list[Step]]:
    """The plan after every sampler, and what each of them, or each round of it, did.

    Args:
        plan: the source plan
        samplers: those of the recipe, in its order
        scorer: gives the scores of rounds, and features of rows
        seed: of the recipe
        plan_changed: called with each new plan and its stage
    """
    steps: list[Step] = []
    for index, sampler in enumerate(samplers):
        earlier = sum(other.name == sampler.name for other in samplers[:index])
        for number, stage in enumerate(sampler.stages):
            rng = generator(seed, "sampler", sampler.name, earlier, number)
            given = plan.copy()
            scored: tuple[Any, ...] = ()
            if isinstance(sampler, ScoredSampler):
                scores = scorer.scores(plan, sampler, f"{sampler.name}-{earlier}", number)
                new = sampler.resample(plan, scores, rng, number)
                scored = (number + 1, scores, sampler.scores_from)
            elif isinstance(sampler, FeatureSampler) and sampler.makes_rows:
                new = with_made_rows(plan, sampler, scorer.trainer, scorer.cache, rng)
            elif isinstance(sampler, FeatureSampler):
                new = sampler.resample(plan, scorer.features(plan, sampler, f"{sampler.name}-{earlier}"), rng)
            else:
                new = sampler.resample(plan, rng)
            check_rows(sampler, plan, given, new)
            name = f"samplers[{index}] {stage}"
            steps.append(Step.between(plan, new, name, sampler.name, *scored))
            plan_changed(new, name)
            plan = new
    return plan, steps


def check_rows(sampler: Sampler | ScoredSampler | FeatureSampler, plan: Plan, given: Plan, new: object) -> None:
    """Raise PlanError for a plan that would train on rows of validation or test, or on other labels than the data have.

    Args:
        sampler: that made the plan
        plan, given: what it was given, now and as it was before
        new: what it returned
    """
    who = with_origin(sampler)
    if not isinstance(new, Plan):
        raise PlanError(f"{who} must return a Plan, got {type(new).__name__}")
    if plan != given:
        raise PlanError(f"{who} changed the plan that it was given: it must return a new one (Plan.append, Plan.drop)")
    if not len(new):
        raise PlanError(f"{who} left no rows to train on")
    if new.classes != plan.classes:
        raise PlanError(f"{who} changed the classes from {listing(plan.classes)} to {listing(new.classes)}")
    if isinstance(sampler, FeatureSampler) and sampler.makes_rows:
        return  # whose rows are samples of their own
    label_of = np.full(max(int(plan.source.max(initial=0)), int(new.source.max(initial=0))) + 1, -1)
    label_of[plan.source] = plan.label
    foreign, other = label_of[new.source] < 0, label_of[new.source] != new.label
    if foreign.any():
        raise PlanError(
            f"{who} returned {int(foreign.sum()):,} rows of samples that it was not given (such as sample "
            f"{int(new.source[foreign.argmax()])}), which may be of validation or test: make rows from those of the plan "
            "(Plan.append, Plan.drop)"
        )
    if other.any():
        raise PlanError(f"{who} returned {int(other.sum()):,} rows with another label than their sample has")


class RoundScorer:
    """Trains and scores for the rounds of scored samplers, and computes features.

    Both are kept beside the checkpoints: a resumed run replays finished rounds from them, which gives the same plan.
    """

    def __init__(self, trainer: Trainer, backbone: Backbone, cache: RoundCache):
        """
        Args:
            trainer: trains and predicts
            backbone: the recipe's, for samplers without their own
            cache: finished rounds that runs share
        """
        self.trainer, self.backbone, self.cache = trainer, backbone, cache
        self._keys: dict[str, str] = {}  # stage of a round -> its key in the cache

    def scores(self, plan: Plan, sampler: ScoredSampler, name: str, number: int) -> np.ndarray:
        """Scores of the plan's rows, float32 [n], for round `number` (from 0) of the sampler that goes by `name`."""
        trainer, stage = self.trainer, f"{name}-round-{number + 1}"
        warm = sampler.warm_start
        backbone = sampler.backbone or self.backbone
        before = self._keys.get(f"{name}-round-{number}", "") if warm else ""
        key = self._keys[stage] = self.cache.key(sampler, backbone, plan, stage, before)
        files = {".npy": trainer.folder / f"{stage}.npy"}
        if warm and number + 1 < sampler.rounds:
            files[".pt"] = self._weights(name, number)
        if not trainer.from_first(lambda: all(file.exists() for file in files.values())):
            with self.cache.claim(key):
                if not self.cache.fetch(key, files):
                    weights = self._weights(name, number - 1)
                    start = trainer.from_first(lambda: load_checkpoint(weights)) if warm and number else None
                    score = build_score(sampler.score, trainer.session.context(plan, stage))
                    kept = score if sampler.scores_from == "last_epoch" else None
                    fit = trainer.fit(
                        stage,
                        plan,
                        backbone,
                        sampler.loss,
                        sampler.epochs,
                        start=start,
                        score=kept,
                        order=sampler.order,
                    )
                    scores = trainer.predict(fit.model, plan, score) if fit.scores is None else fit.scores
                    if trainer.session.fabric.is_global_zero:
                        if ".pt" in files:
                            save_checkpoint(files[".pt"], fit.model.state_dict())
                        write_atomic(files[".npy"], lambda path: path.write_bytes(_npy(scores)))
                        self.cache.keep(key, files)
        return trainer.from_first(lambda: np.load(files[".npy"]))

    def features(self, plan: Plan, sampler: FeatureSampler, name: str) -> np.ndarray:
        """Features of the plan's rows, float32 [n, F], standardised, for the sampler that goes by `name`.

        In eval mode, at full precision: as the frozen network, or the one that the sampler trains first, sees them.
        """
        trainer, backbone = self.trainer, sampler.backbone or self.backbone
        path = trainer.folder / f"{name}-features.npy"
        # Without training there are no seeds: samplers of any name share what the same network sees.
        key = self.cache.key(sampler, backbone, plan, name if sampler.epochs else "features", "")
        if not trainer.from_first(path.exists):
            with self.cache.claim(key):
                if not self.cache.fetch(key, {".npy": path}):
                    columns = trainer.session.columns
                    if sampler.epochs:
                        model = trainer.fit(name, plan, backbone, sampler.loss, sampler.epochs).model
                        features = trainer.features(model, plan)
                    elif columns is not None and backbone.reads == "columns":
                        features = columns[plan.source]  # as they are: random weights would say less
                    else:
                        model = trainer.network(name, plan, backbone)
                        model.columns = None  # of random weights: rows are compared by their images
                        features = trainer.features(model, plan)
                    found = standardised(features)
                    if trainer.session.fabric.is_global_zero:
                        write_atomic(path, lambda temporary: temporary.write_bytes(_npy(found)))
                        self.cache.keep(key, {".npy": path})
        return trainer.from_first(lambda: np.load(path))

    def _weights(self, name: str, number: int) -> Path:
        """Where the weights after a round are, for the next one to start from."""
        return self.trainer.folder / f"{name}-round-{number + 1}-weights.pt"


def _npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()
