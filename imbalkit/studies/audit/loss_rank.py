"""What `loss_rank` would drop: the losses of all rows after its first round, by the very code of a run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from imbalkit.base.files import read_json, write_json
from imbalkit.base.randomness import derive_seed
from imbalkit.engine.events import RunEvents
from imbalkit.engine.images import load_images
from imbalkit.engine.launch import create_fabric
from imbalkit.engine.resample import RoundScorer
from imbalkit.engine.round_cache import RoundCache
from imbalkit.engine.run_trainer import trainer_of
from imbalkit.functional.distinct import without
from imbalkit.kinds import ScoredSampler
from imbalkit.plan import Plan
from imbalkit.recipe.image_rule import image_rule
from imbalkit.runs import folder as run_folder
from imbalkit.training.peers import Peers

if TYPE_CHECKING:
    from imbalkit.base.progress import Progress
    from imbalkit.recipe.prepared import Prepared

DEFAULT: dict[str, Any] = {"drop": 1, "which": "highest", "warm_start": False, "epochs": 4}  # Gilal et al. 2023


def loss_ranks(prepared: Prepared, folder: Path, progress: Progress) -> tuple[np.ndarray, np.ndarray, str]:
    """Rows int64 [n], their scores float32 [n], the first to go highest, and how they were made, in words.

    One round on all rows that can be read, as if all were training rows: with the recipe's own `loss_rank` where it has one, else
    as Gilal et al. 2023. The scores are kept in `folder` and read again.
    """
    recipe = prepared.recipe
    own = [sampler for sampler in recipe.samplers if sampler.name == "loss_rank"]
    part = prepared.catalogue.get("sampler", "loss_rank")
    sampler = cast(Any, own[0] if own else part.model_validate(DEFAULT, context={"catalogue": prepared.catalogue}))
    assert isinstance(sampler, ScoredSampler)
    folder.mkdir(parents=True, exist_ok=True)
    settings = recipe.training.model_copy(update={"devices": 1, "nodes": 1})
    fabric = create_fabric(settings)
    rule = image_rule(recipe, prepared.table)
    images, bad = load_images(prepared.table, prepared.split.train, rule, recipe.images, fabric.device, progress)
    rows = without(np.arange(len(prepared.table)), np.array([image.index for image in bad], dtype=np.int64))
    key = {"recipe": recipe.hash, "rows": len(rows)}
    if read_json(folder / "facts.json") != key:  # checkpoints of another recipe
        for file in (folder / run_folder.CHECKPOINTS).glob("*"):
            file.unlink()
        write_json(folder / "facts.json", key)
    plan = Plan.from_labels(
        prepared.table.labels[rows], prepared.classes, sources=rows, seed=derive_seed(recipe.seed, "plan")
    )
    events = partial(RunEvents, folder, prepared.catalogue, progress.note, tensorboard=False)
    with Peers(None) as peers:
        trainer = trainer_of(fabric, peers, folder, prepared, images, events(first_process=False), progress)
        scores = RoundScorer(trainer, recipe.backbone, RoundCache(None)).scores(plan, sampler, "loss_rank-0", 0)
    if getattr(sampler, "which", "highest") == "lowest":
        scores = -scores
    whose = "the recipe's own loss_rank" if own else "loss_rank as Gilal et al. 2023 use it"
    return (
        rows,
        scores,
        f"{whose}: {sampler.epochs} epochs on all rows with {sampler.loss.name}, then ranked by {sampler.score.name}",
    )
