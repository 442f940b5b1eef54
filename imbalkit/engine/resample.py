"""The samplers of a recipe, one after the other; rounds train, score and drop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imbalkit.base.randomness import generator
from imbalkit.engine.round_cache import SharedRounds, Surroundings, round_key
from imbalkit.kinds import Sampler, ScoredSampler
from imbalkit.plan import Plan
from imbalkit.recipe.prepare import Prepared
from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint, write_atomic
from imbalkit.training.trainer import Trainer


@dataclass(frozen=True)
class Step:
    """One sampler, or one round of it: what it left, what it dropped, and by which scores."""

    stage: str  # "samplers[1] loss_rank, round 2"
    sampler: str
    round: int | None  # from 1
    counts: tuple[int, ...]
    generation: int  # of the rows it added; those of earlier steps are smaller
    dropped: pd.DataFrame  # key, source, label, view, score (NaN without)
    scores_from: str = ""  # "pass" or "last_epoch", "" without scores


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
            scores = None
            if isinstance(sampler, ScoredSampler):
                name = f"{sampler.name}-{earlier}"
                scores, key = _score(prepared, sampler, plan, trainer, name, number, key, shared, around)
                new = sampler.resample(plan, scores, generator(*seeds), round=number)
                name = f"{stage}, round {number + 1}"
            else:
                new = sampler.resample(plan, generator(*seeds))
                name = stage
            steps.append(_step(name, sampler, number + 1 if scores is not None else None, plan, new, scores))
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
    goes_on = sampler.between_rounds == "keep"
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


def _step(
    stage: str, sampler: Sampler, number: int | None, before: Plan, after: Plan, scores: np.ndarray | None
) -> Step:
    gone = np.flatnonzero(~np.isin(before.key, after.key))
    score = np.full(len(gone), np.nan, dtype=np.float32) if scores is None else scores[gone]
    dropped = pd.DataFrame(
        {
            "key": before.key[gone],
            "source": before.source[gone],
            "label": before.label[gone],
            "view": before.view[gone],
            "score": score,
        }
    )
    scores_from = sampler.scores_from if isinstance(sampler, ScoredSampler) else ""
    return Step(stage, sampler.name, number, after.counts(), after.generation, dropped, scores_from)


def audit(plan: Plan, steps: list[Step], paths: pd.Series | None) -> pd.DataFrame:
    """Every row that ever was in the plan: what it shows, who added it, who dropped it, in which round, by which score.

    Columns: key, source, path (where samples are files), label, view (as text), parameters (those drawn, as text), added_by,
    kept, dropped_by, round, score, scores_from.
    """
    rows = pd.DataFrame({"key": plan.key, "source": plan.source, "label": plan.label, "view": plan.view, "kept": True})
    frames = [rows.assign(dropped_by="", round=0, score=np.float32("nan"), scores_from="")]
    for step in steps:
        if len(step.dropped):
            facts = {"dropped_by": step.stage, "round": step.round or 0, "scores_from": step.scores_from}
            frames.append(step.dropped.assign(kept=False, **facts))
    frame = pd.concat(frames, ignore_index=True)
    # A Plan over all rows ever: its columns are enough to say what each showed.
    everything = Plan(
        frame["key"].to_numpy(np.uint64),
        frame["source"].to_numpy(np.uint32),
        frame["label"].to_numpy(np.uint16),
        frame["view"].to_numpy(np.uint16),
        plan.views,
        plan.classes,
        plan.majority,
        plan.seed,
    )
    generation = everything.generations()
    adders = ["source"] * (plan.generation + 1)
    before = 0
    for step in steps:
        for number in range(before + 1, step.generation + 1):
            adders[number] = step.stage
        before = max(before, step.generation)
    frame.insert(2, "parameters", _parameter_text(everything))
    frame.insert(2, "added_by", pd.Categorical.from_codes(np.arange(len(adders))[generation], _unique(adders)))
    frame["view"] = pd.Categorical.from_codes(frame["view"], _unique([describe_view(view) for view in plan.views]))
    frame["label"] = pd.Categorical.from_codes(frame["label"], list(plan.classes))
    if paths is not None:
        frame.insert(2, "path", paths.to_numpy()[everything.source])
    return frame.sort_values("key", kind="stable", ignore_index=True)


def audited_rows(audit: pd.DataFrame, final: Plan) -> Plan:
    """Every row of `audit`, in its order, as a plan that can be rendered; `final` is the plan that the audit was made of."""
    views = {text: code for code, text in enumerate(_unique([describe_view(view) for view in final.views]))}
    labels = {name: code for code, name in enumerate(final.classes)}
    return replace(
        final,
        key=audit["key"].to_numpy(np.uint64),
        source=audit["source"].to_numpy(np.uint32),
        label=audit["label"].astype(str).map(labels).to_numpy(np.uint16),
        view=audit["view"].astype(str).map(views).to_numpy(np.uint16),
    )


def describe_view(view: tuple[Any, ...]) -> str:
    """A view as a person reads it."""
    return ", then ".join(op.label for op in view) if view else "as it is"


def _unique(names: list[str]) -> list[str]:
    # pandas wants distinct categories; two views may read alike.
    return [name if names.index(name) == index else f"{name} ({index})" for index, name in enumerate(names)]


def _parameter_text(plan: Plan) -> np.ndarray:
    text = np.full(len(plan), "", dtype=object)
    for code, view in enumerate(plan.views):
        rows = np.flatnonzero(plan.view == code)
        for index, op in enumerate(view):
            if op.parameters and len(rows):
                drawn = plan.parameters(rows, index, op)
                names = [f"{op.name}.{name}" for name in op.parameters]
                for row, values in zip(rows, drawn, strict=True):
                    pairs = " ".join(f"{name}={value:.6g}" for name, value in zip(names, values, strict=True))
                    text[row] = f"{text[row]} {pairs}".strip()
    return text
