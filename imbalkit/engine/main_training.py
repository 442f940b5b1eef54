"""The main training, shared by runs that differ only in what follows it: the same training is done once.

As with rounds (imbalkit.engine.round_cache), it is known by a hash of everything that decides its weights and its log.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imbalkit.engine.round_cache import (
    LEFT_OUT,
    RoundCache,
    Surroundings,
    deciding_keys,
    initial_fact,
    key_of,
    versions,
    views_of,
)
from imbalkit.kinds import Backbone
from imbalkit.plan import Plan
from imbalkit.recipe.traverse import metrics_of, parts_of
from imbalkit.runs import folder as run_folder
from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint
from imbalkit.training.classifier import Classifier
from imbalkit.training.epoch_metrics import EpochValues
from imbalkit.training.trainer import Trainer
from imbalkit_lite.files import write_text
from imbalkit_lite.text import json_text

# Keys that decide neither weights nor log of the main training.
NOT_DECIDING = {
    "recipe": (
        "description",
        "card",
        "data",
        "split",
        "samplers",
        "stages",
        "predict",
        "decision",
        "export",
        "launcher",
        "logging",
    ),
    "images": LEFT_OUT["images"],
    "training": ("devices", "nodes", "threads", "accelerator"),
}
_AFTER = ("stages", "decision", "export", "launcher", "data", "samplers")  # whose parts take no part


def training_key(
    around: Surroundings, stage: str, plan: Plan, validation: Plan, train_counts: tuple[int, ...], teaching: str = ""
) -> str:
    """A hash that is the same only for main trainings that give the same weights and the same log.

    Args:
        around: what decides every training of the run
        stage: name of the training, from which its seeds derive
        plan: rows to train on
        validation: rows that choose the epoch
        train_counts: rows of each class before any sampler, which metrics may know
        teaching: stands for what teachers say of the rows; "" without one
    """
    recipe, metrics = around.recipe, metrics_of(around.recipe, around.catalogue)
    parts = [(part.kind, part.name) for place, part in parts_of(recipe) if place[0] not in _AFTER]
    operations = [("op", op.name) for view in plan.views for op in view]
    facts = {
        **deciding_keys(recipe, NOT_DECIDING),
        **initial_fact(recipe.backbone),
        "metrics": [metric.model_dump(mode="json") for metric in metrics],
        "stage": stage,
        "classes": plan.classes,
        "train_counts": list(train_counts),
        "plan": [plan.seed, views_of(plan), len(plan), len(validation)],
        "around": [list(around.shape), around.place],
        **({"teaching": teaching} if teaching else {}),
        **({"decision": recipe.decision.model_dump(mode="json")} if recipe.logging.decision else {}),  # in the log
        "versions": versions(
            around.catalogue, [*parts, *operations, *((metric.kind, metric.name) for metric in metrics)]
        ),
    }
    return key_of(facts, around, [plan, validation])


@dataclass(frozen=True)
class SharedTraining:
    """The main training of a run, which other runs may have done already.

    Attributes:
        cache: finished trainings that runs share
        trainer: trains, and tells the run's observers of each epoch
        folder: of the run
        stage: name of the training
        plan: rows to train on
        validation: rows that choose the epoch
        train_counts: rows of each class before any sampler
        teaching: stands for what teachers say of the rows; "" without one
    """

    cache: RoundCache
    trainer: Trainer
    folder: Path
    stage: str
    plan: Plan
    validation: Plan
    train_counts: tuple[int, ...]
    teaching: str = ""

    def network(self, backbone: Backbone, train: Callable[[], Classifier]) -> Classifier:
        """The trained network: of another run where one has done the same training, else what `train` gives."""
        cache, trainer, stage = self.cache, self.trainer, self.stage
        if cache.folder is None or cache.around is None:
            return train()
        files = {".pt": trainer.folder / f"{stage}-weights.pt", ".jsonl": trainer.folder / f"{stage}-log.jsonl"}
        if not all(file.exists() for file in files.values()):
            key = training_key(cache.around, stage, self.plan, self.validation, self.train_counts, self.teaching)
            with cache.claim(key):
                if not cache.fetch(key, files):
                    model = train()
                    save_checkpoint(files[".pt"], model.state_dict())
                    write_text(files[".jsonl"], "".join(f"{json_text(entry)}\n" for entry in self._log()))
                    cache.keep(key, files)
                    return model
                trainer.session.progress.note(f"{stage}: another run has done the same training, its weights are taken")
        known = {entry["epoch"] for entry in self._log()}
        for entry in map(json.loads, files[".jsonl"].read_text(encoding="utf-8").splitlines()):
            if entry["epoch"] not in known:
                trainer.epoch_finished(stage, entry["epoch"], entry)
        return trainer.network(stage, self.plan, backbone, weights=load_checkpoint(files[".pt"])).eval()

    def _log(self) -> list[EpochValues]:
        return [entry for entry in run_folder.read_log(self.folder) if entry.get("stage") == self.stage]
