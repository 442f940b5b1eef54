"""Training and prediction over plans, on the devices that Lightning Fabric sets up; an epoch itself is in fit.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import nn

from imbalkit.errors import StoppedError
from imbalkit.kinds import Backbone, Loss, Mixer, Order
from imbalkit.plan import Plan
from imbalkit.training.batches import partition
from imbalkit.training.checked_modules import Scores
from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint
from imbalkit.training.classifier import Classifier, build_model
from imbalkit.training.epoch_metrics import EpochValues
from imbalkit.training.features import computed
from imbalkit.training.fit import Fit, Network
from imbalkit.training.peers import Peers
from imbalkit.training.phase import Phase
from imbalkit.training.process_checks import SAME, rows_in_common
from imbalkit.training.session import TrainingSession

T = TypeVar("T")


@dataclass(frozen=True)
class FitResult:
    """A trained network, with the weights of the chosen epoch.

    Attributes:
        model: the network
        scores: of every row of the plan as the last epoch met it, float32 [n]; None without a score
    """

    model: Classifier
    scores: np.ndarray | None = None


Validate = Callable[[Any], dict[str, Any]]  # of a network: its metrics on validation rows


@dataclass
class Trainer:
    """Trains and predicts.

    Attributes:
        session: what all trainings share
        folder: of the checkpoints
        peers: the other processes of this run
        epoch_finished: called in the first process after each epoch with stage, epoch and its values
        stop: asked in the first process after each epoch but the last: whether to end here, in words for the error; ""
    """

    session: TrainingSession
    folder: Path
    peers: Peers = field(default_factory=lambda: Peers(None))
    epoch_finished: Callable[[str, int, EpochValues], None] = field(default=lambda stage, epoch, values: None)
    stop: Callable[[str, int], str] = field(default=lambda stage, epoch: "")

    def fit(
        self,
        stage: str,
        plan: Plan,
        backbone: Backbone,
        loss: Loss,
        epochs: int,
        validate: Validate | None = None,
        start: dict[str, Any] | None = None,
        freeze_epochs: int = 0,
        score: Scores | None = None,
        order: Order | None = None,
        mixer: Mixer | None = None,
        deferred: Phase | None = None,
        teacher: np.ndarray | None = None,
    ) -> FitResult:
        """Train a model on a plan; goes on from the stage's checkpoint if there is one.

        Args:
            stage: name of this training; its seeds and its checkpoint derive from it
            plan: rows to train on
            backbone, loss: parts to build
            epochs: passes over the plan
            validate: called after each epoch; its metrics choose the epoch and stop training early
            start: weights to start from (default: fresh)
            freeze_epochs: first epochs that train the head alone
            score: `score(logits, labels)` is kept of every row as the last epoch meets it: in train mode, augmented, with
                weights that go on learning meanwhile; there is no pass over the rows for it
            order: which rows an epoch visits (default: each once)
            mixer: mixes each row with another one (default: none)
            deferred: the loss and order of the last epochs (default: as before)
            teacher: what the loss is given of each sample beside its label, float32 [samples, C] (default: nothing)

        Returns:
            the model with the weights of the chosen epoch (the last one without `validate`), and the scores

        Raises:
            TrainingError: a loss that is not finite; fewer rows than devices
            StoppedError: after an epoch, if `stop` says so
        """
        model = self.network(stage, plan, backbone, epochs, start)
        phases = [Phase(loss, order, teacher=teacher), *([deferred] if deferred is not None else [])]

        def freeze(epoch: int) -> None:
            model.freeze_body(epoch < freeze_epochs)

        run = self.fit_network(stage, plan, model, phases, epochs, validate, score, mixer, freeze)
        return FitResult(cast(Classifier, run.chosen()), None if run.scores is None else run.scores.numpy())

    def network(
        self, stage: str, plan: Plan, backbone: Backbone, epochs: int = 1, weights: dict[str, Any] | None = None
    ) -> Classifier:
        """A network on the device, with these weights or with those that it starts the training `stage` from."""
        session = self.session
        model = build_model(backbone, session.head, session.context(plan, stage, epochs), session.inputs)
        if weights is not None:
            model.load_state_dict(weights)
        if self.session.settings.channels_last:
            model = model.to(memory_format=torch.channels_last)
        return model.to(self.session.fabric.device)

    def fit_network(
        self,
        stage: str,
        plan: Plan,
        model: Network,
        phases: Sequence[Phase],
        epochs: int,
        validate: Validate | None = None,
        score: Scores | None = None,
        mixer: Mixer | None = None,
        epoch_starts: Callable[[int], None] = lambda epoch: None,
    ) -> Fit:
        """Train a network that is built; as `fit`, whose arguments it has.

        Args:
            model: the network, or what stands for it; parameters without `requires_grad` stay
            phases: losses and orders by their first epochs
            epoch_starts: called before each epoch with its number, from 0
        """
        run = Fit.build(self.session, stage, plan, model, phases, epochs, score, mixer)
        fabric, progress = self.session.fabric, self.session.progress
        checkpoint = self.folder / f"{stage}.pt"
        state = self.from_first(lambda: load_checkpoint(checkpoint) if checkpoint.exists() else None)
        if state is not None:
            run.load(state)
        if self.peers.processes > 1:
            self.peers.agree(rows_in_common(plan), f"rows in {stage}", SAME)
        progress.stage(stage, epochs, run.epoch)
        while not run.is_done:
            epoch_starts(run.epoch)
            values = run.train_epoch()
            if validate is not None:
                # Those of the first process: two kinds of processors may round otherwise, and choose other epochs.
                values["validation"] = fabric.broadcast(validate(run.evaluated))
            run.epoch_done(values)
            if fabric.is_global_zero:
                # The log first: an epoch done twice is recognised, one that is missing is lost.
                self.epoch_finished(stage, run.epoch, values)
                save_checkpoint(checkpoint, run.state())
            fabric.barrier()
            progress.epoch(run.epoch, values)
            why = self.stop(stage, run.epoch) if fabric.is_global_zero and not run.is_done else ""
            if why := fabric.broadcast(why):
                raise StoppedError(why)
        return run

    def predict(self, model: nn.Module, plan: Plan, score: Scores | None = None) -> np.ndarray:
        """Logits of every row, float32 [n, C], in eval mode; or `score(logits, labels)`, float32 [n]. Divided among devices."""

        def logits(*inputs: torch.Tensor) -> torch.Tensor:
            with self.session.fabric.autocast():
                return cast(torch.Tensor, model(*inputs))

        return self._each_row(model, logits, plan, (len(plan.classes),) if score is None else (), score)

    def features(self, model: Classifier, plan: Plan) -> np.ndarray:
        """What the head sees of every row, float32 [n, F], in eval mode and at full precision. Divided among devices."""
        return self._each_row(model, model.features, plan, (model.width,))

    def _each_row(
        self,
        model: nn.Module,
        compute: Callable[..., torch.Tensor],
        plan: Plan,
        shape: tuple[int, ...],
        score: Scores | None = None,
    ) -> np.ndarray:
        """`compute(images)`, with the columns if there are some, of every row in eval mode, or its score, float32 [n, *shape]."""
        session, fabric = self.session, self.session.fabric
        model.eval()
        own = np.arange(len(plan))[fabric.global_rank :: fabric.world_size]
        result = torch.zeros((len(plan), *shape), device=fabric.device)
        if len(own):
            batches = session.read(plan, partition(own, session.settings.batch_size))
            for rows, labels, part in computed(compute, batches, fabric.device):
                found = part if score is None else score(part, labels).float()
                result[torch.from_numpy(rows).to(fabric.device)] = found
        # Every row is zero everywhere but on one process, so that the sum is exact.
        return session.sum_devices(result).cpu().numpy()

    def from_first(self, read: Callable[[], T]) -> T:
        """What the first process reads, in every process: another machine may still see an older file."""
        fabric = self.session.fabric
        value = self.peers.all(lambda: read() if fabric.is_global_zero else None)
        return cast(T, fabric.broadcast(value))
