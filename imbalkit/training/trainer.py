"""Training and prediction over plans, on the devices that Lightning Fabric sets up; an epoch itself is in fit.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from imbalkit.base.progress import Progress
from imbalkit.base.randomness import derive_seed
from imbalkit.data.image_store import ImageStore
from imbalkit.kinds import Augmentation, Backbone, BuildContext, Loss
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import HeadSettings, TrainingSettings
from imbalkit.training.batches import partition, read_ahead
from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint
from imbalkit.training.classifier import Classifier
from imbalkit.training.fit import Figures, Fit
from imbalkit.training.peers import Peers
from imbalkit.training.process_checks import SAME, rows_in_common
from imbalkit.training.rendered_cache import KeptCopies


@dataclass
class Trainer:
    """What every training of a run shares."""

    fabric: Fabric
    images: ImageStore
    settings: TrainingSettings
    head: HeadSettings
    augment: list[Augmentation]
    seed: int
    positive: int | None
    folder: Path  # of the checkpoints
    progress: Progress
    peers: Peers = field(default_factory=lambda: Peers(None))  # the other processes of this run
    kept: KeptCopies | None = None  # rendered copies of all trainings
    monitor_higher: bool = True  # whether the selection metric is better when higher
    epoch_finished: Callable[[str, int, Figures], None] = field(default=lambda stage, epoch, figures: None)
    names: Callable[[np.ndarray], list[str]] = field(default=lambda sources: [f"sample {i}" for i in sources])

    def context(self, plan: Plan, stage: str) -> BuildContext:
        """What a part may know when it is built for a stage."""
        height, width, channels = self.images.shape
        return BuildContext(
            classes=plan.classes,
            counts=plan.counts(),
            positive=self.positive,
            image_size=(height, width),
            channels=channels,
            seed=derive_seed(self.seed, "weights", stage),
        )

    def fit(
        self,
        stage: str,
        plan: Plan,
        backbone: Backbone,
        loss: Loss,
        epochs: int,
        validate: Callable[[Classifier], Figures] | None = None,
        start: dict[str, Any] | None = None,
        freeze_epochs: int = 0,
    ) -> Classifier:
        """Train a model on a plan; goes on from the stage's checkpoint if there is one.

        Args:
            stage: name of this training; its seeds and its checkpoint derive from it
            plan: rows to train on, each seen once an epoch
            backbone, loss: parts to build
            epochs: passes over the plan
            validate: called after each epoch; its figures choose the epoch to keep and stop training early
            start: weights to start from (default: fresh)
            freeze_epochs: first epochs that train the head alone

        Returns:
            the model with the weights of the chosen epoch (the last one without `validate`)

        Raises:
            TrainingError: a loss that is not finite; fewer rows than devices
        """
        run = Fit.build(self, stage, plan, backbone, loss, epochs, start)
        return self._finish(run, validate, freeze_epochs)

    def fit_and_score(
        self,
        stage: str,
        plan: Plan,
        backbone: Backbone,
        loss: Loss,
        epochs: int,
        score: Callable[..., torch.Tensor],
        start: dict[str, Any] | None = None,
    ) -> tuple[Classifier, np.ndarray]:
        """As `fit` without validation, and `score(logits, labels)` of every row, float32 [n], as the last epoch met it.

        So in train mode, augmented, and with weights that went on learning during that epoch: there is no pass over the
        rows for it.
        """
        run = Fit.build(self, stage, plan, backbone, loss, epochs, start, score)
        model = self._finish(run)
        return model, run.scores.numpy()

    def _finish(
        self,
        run: Fit,
        validate: Callable[[Classifier], Figures] | None = None,
        freeze_epochs: int = 0,
    ) -> Classifier:
        """Train what is left of a training, from its checkpoint if there is one; the model of the chosen epoch."""
        checkpoint = self.folder / f"{run.stage}.pt"
        state = self.from_first(lambda: load_checkpoint(checkpoint) if checkpoint.exists() else None)
        if state is not None:
            run.load(state)
        if self.peers.processes > 1:
            self.peers.agree(rows_in_common(run.plan), f"rows in {run.stage}", SAME)
        self.progress.stage(run.stage, run.epochs, run.epoch)
        while run.epoch < run.epochs and not run.stopped:
            run.model.freeze_body(run.epoch < freeze_epochs)
            figures = run.train_epoch()
            if validate is not None:
                # Those of the first process: two kinds of processors may round otherwise, and choose other epochs.
                figures["validation"] = self.fabric.broadcast(validate(run.evaluated))
            run.epoch_done(figures)
            if self.fabric.is_global_zero:
                # The log first: an epoch done twice is told apart, one that is missing is lost.
                self.epoch_finished(run.stage, run.epoch, figures)
                save_checkpoint(checkpoint, run.state())
            self.fabric.barrier()
            self.progress.epoch(run.epoch, figures)
        return run.chosen()

    @torch.no_grad()
    def predict(self, model: Classifier, plan: Plan, score: Callable[..., torch.Tensor] | None = None) -> np.ndarray:
        """Logits of every row, float32 [n, C], in eval mode; or `score(logits, labels)`, float32 [n]. Shared by the devices."""
        fabric = self.fabric
        model.eval()
        own = np.arange(len(plan))[fabric.global_rank :: fabric.world_size]
        result: torch.Tensor | None = None
        if len(own):
            batches = partition(own, self.settings.batch_size)
            for batch in read_ahead(plan, self.images, batches, self.pin, self.kept):
                images, labels = batch.render(fabric.device)
                with fabric.autocast():
                    logits = model(images).float()
                part = logits if score is None else score(logits, labels).float()
                if result is None:
                    result = torch.zeros((len(plan), *part.shape[1:]), device=fabric.device)
                result[torch.from_numpy(batch.rows).to(fabric.device)] = part
        if result is None:
            result = torch.zeros((len(plan),) if score else (len(plan), len(plan.classes)), device=fabric.device)
        if fabric.world_size > 1:
            # Every row is zero everywhere but on one process, so that the sum is exact.
            result = fabric.all_reduce(result, reduce_op="sum")
        return result.cpu().numpy()

    def from_first(self, read: Callable[[], Any]) -> Any:
        """What the first process reads, in every process: another machine may still see an older file."""
        value = self.peers.all(lambda: read() if self.fabric.is_global_zero else None)
        return self.fabric.broadcast(value)

    @property
    def pin(self) -> bool:
        return self.fabric.device.type == "cuda"
