"""The samplers of a recipe, one after the other; rounds train, score and drop."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.engine.round_cache import SharedRounds, Surroundings, round_key
from imbalkit.kinds import ScoredSampler
from imbalkit.plan import Plan
from imbalkit.plan.audit import Step
from imbalkit.recipe.prepared import Prepared
from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint
from imbalkit.training.trainer import Trainer
from imbalkit_lite.files import write_atomic


def resample(
    prepared: Prepared,
    plan: Plan,
    trainer: Trainer,
    changed: Callable[[Plan, str], None],
    rounds: Path | None = None,
) -> tuple[Plan, list[Step]]:
    """The plan after every sampler of the recipe.

    A round's scores are kept beside the checkpoints: a resumed run replays finished rounds from them, which gives the same
    plan.

    Args:
        prepared: the checked recipe and its data
        plan: the source plan
        trainer: trains and scores for the rounds
        changed: called with each new plan and its stage
        rounds: folder of finished rounds that runs share (single-device runs only)
    """
    shared = SharedRounds(rounds if trainer.fabric.world_size == 1 else None, trainer.progress.note)
    around = Surroundings.of(prepared, trainer) if shared.folder is not None else None
    steps: list[Step] = []
    for index, sampler in enumerate(prepared.recipe.samplers):
        earlier = sum(other.name == sampler.name for other in prepared.recipe.samplers[:index])
        stage = f"samplers[{index}] {sampler.name}"
        key = ""
        for number in range(sampler.rounds if isinstance(sampler, ScoredSampler) else 1):
            seeds = (prepared.recipe.seed, "sampler", sampler.name, earlier, number)
            scored: tuple[Any, ...] = ()
            if isinstance(sampler, ScoredSampler):
                name = f"{sampler.name}-{earlier}"
                scores, key = _score(prepared, sampler, plan, trainer, name, number, key, shared, around)
                new = sampler.resample(plan, scores, generator(*seeds), round=number)
                scored = (number + 1, scores, sampler.scores_from)
                name = f"{stage}, round {number + 1}"
            else:
                new = sampler.resample(plan, generator(*seeds))
                name = stage
            steps.append(Step.between(plan, new, name, sampler.name, *scored))
            changed(new, name)
            plan = new
    return plan, steps


def _score(
    prepared: Prepared,
    sampler: ScoredSampler,
    plan: Plan,
    trainer: Trainer,
    name: str,
    number: int,
    before: str,
    shared: SharedRounds,
    around: Surroundings | None,
) -> tuple[np.ndarray, str]:
    """Scores of the plan's rows for a round, float32 [n], and the round's key; `before` is the key of the one before."""
    stage = f"{name}-round-{number + 1}"
    goes_on = sampler.warm_start
    key = round_key(prepared, sampler, plan, stage, before if goes_on else "", around) if around else ""
    files = {".npy": trainer.folder / f"{stage}.npy"}
    if goes_on and number + 1 < sampler.rounds:
        files[".pt"] = _weights(trainer, name, number)
    if not trainer.from_first(lambda: all(file.exists() for file in files.values())):
        with shared.claim(key):
            if not shared.fetch(key, files):
                weights = _weights(trainer, name, number - 1)
                start = trainer.from_first(lambda: load_checkpoint(weights)) if goes_on and number else None
                backbone = sampler.backbone or prepared.recipe.backbone
                training = (stage, plan, backbone, sampler.loss, sampler.epochs)
                score = sampler.score.build(trainer.context(plan, stage))
                if sampler.scores_from == "last_epoch":
                    model, scores = trainer.fit_and_score(*training, score, start=start)
                else:
                    model = trainer.fit(*training, start=start)
                    scores = trainer.predict(model, plan, score)
                if trainer.fabric.is_global_zero:
                    if ".pt" in files:
                        save_checkpoint(files[".pt"], model.state_dict())
                    write_atomic(files[".npy"], lambda path: path.write_bytes(_npy(scores)))
                    shared.keep(key, files)
    return trainer.from_first(lambda: np.load(files[".npy"])), key


def _weights(trainer: Trainer, name: str, number: int) -> Path:
    """Where the weights after a round are, for the next one to start from."""
    return trainer.folder / f"{name}-round-{number + 1}-weights.pt"


def _npy(array: np.ndarray) -> bytes:
    stream = BytesIO()
    np.save(stream, array)
    return stream.getvalue()
