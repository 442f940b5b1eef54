"""The stages of a recipe, one after the other: what follows the main training."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from imbalkit.base.parameters import with_origin
from imbalkit.base.progress import describe
from imbalkit.base.text import numbers_text
from imbalkit.engine.teaching import Taught
from imbalkit.errors import PluginError
from imbalkit.functional.tau_normalisation import recall_of_classes
from imbalkit.kinds import AnyStage, BuildContext, FeatureRows, Head, Solution, SolvedStage, TrainedStage
from imbalkit.plan import Plan
from imbalkit.training.checkpoints import load_checkpoint, save_checkpoint
from imbalkit.training.classifier import Classifier
from imbalkit.training.features import FeatureTable, HeadNetwork
from imbalkit.training.phase import Phase
from imbalkit.training.trainer import Network, Trainer, Validate


def named(stages: Sequence[AnyStage]) -> Iterator[tuple[str, AnyStage]]:
    """Stages by the names of their trainings: that of the part and how many of it there are so far."""
    for index, stage in enumerate(stages):
        yield f"stage-{stage.name}-{1 + sum(other.name == stage.name for other in stages[:index])}", stage


@dataclass
class StageRunner:
    """Runs stages on the network of the main training.

    Attributes:
        trainer: of the main training; a stage trains with settings of its own
        plan: rows to train on
        validation: rows of validation
        validate: what a trainer validates with after each epoch; gives None without rows
        taught: what a teacher says of each sample, of a loss that has one
    """

    trainer: Trainer
    plan: Plan
    validation: Plan
    validate: Callable[[Trainer], Validate | None]
    taught: Taught = lambda loss, order, mixer: None
    _tables: dict[str, FeatureTable] = field(default_factory=dict)

    def run(self, stages: Sequence[AnyStage], model: Classifier, trained_by: str) -> Classifier:
        """The network after all stages.

        Args:
            stages: those of the recipe, in its order
            model: the network before the first
            trained_by: name of the training whose body it has
        """
        head = self.trainer.session.head
        for name, stage in named(stages):
            if isinstance(stage, SolvedStage):
                self._solve(stage, name, model, head, trained_by)
            elif isinstance(stage, TrainedStage):
                model = self._train(stage, name, model, head, trained_by)
            head = stage.head_after(head)
            trained_by = name if stage.changes_body else trained_by
        return model

    # --- stages that the engine trains -------------------------------------------------------------------------------

    def _train(self, stage: TrainedStage, name: str, model: Classifier, head: Head, trained_by: str) -> Classifier:
        trainer, session = self.trainer, self.trainer.session
        if stage.makes_new_head:
            _new_head(model, stage.head_after(head), session.context(self.plan, name, stage.epochs))
        augment = session.augment if stage.augments else ()
        on_features = not stage.changes_body and stage.mixer is None and not augment
        table = self._features(model, trained_by) if on_features else None
        model.head = stage.head_to_train(model.head)
        model.body.requires_grad_(stage.trains_body)
        if model.columns is not None:
            model.columns.requires_grad_(stage.trains_body)
        model.freeze_body(not stage.trains_body, stage.moves_batch_norm)
        if stage.batch_norm is not None and not model.has_batch_norm:
            session.progress.note(f"note: {name}: `batch_norm` changes nothing, as the network has no batch norm")
        optimizer = session.settings.optimizer.model_copy(
            update={
                key: value
                for key, value in {"lr": stage.lr, "weight_decay": stage.weight_decay}.items()
                if value is not None
            }
        )
        settings = session.settings.model_copy(update={"optimizer": optimizer, "schedule": stage.schedule})
        own = replace(
            trainer,
            session=replace(session, settings=settings, head=stage.head_after(head), augment=augment, features=table),
        )
        network: Network = model if table is None else HeadNetwork(model)
        trained = own.fit_network(
            name,
            self.plan,
            network,
            [Phase(stage.loss, stage.order, teacher=self.taught(stage.loss, stage.order, stage.mixer))],
            stage.epochs,
            self.validate(own),
            mixer=stage.mixer,
        ).chosen()
        if isinstance(trained, Classifier):
            model = trained
        else:
            model.head = trained.head
        expected = stage.head_after(head).build(session.context(self.plan, name, stage.epochs), model.width)
        model.head = _as_built(stage.head_trained(model.head), expected, stage)
        model.requires_grad_(True)
        model.freeze_body(False)
        return model

    # --- stages that find a head from features -----------------------------------------------------------------------

    def _solve(self, stage: SolvedStage, name: str, model: Classifier, head: Head, trained_by: str) -> None:
        """Put the head that a stage finds into the network."""
        trainer = self.trainer
        context = trainer.session.context(self.plan, name)
        table = self._features(model, trained_by)
        started = time.perf_counter()
        train, validation = (
            FeatureRows(features.cpu().numpy(), labels.cpu().numpy())
            for features, labels in zip(table.features, table.labels, strict=True)
        )
        present = {key: value.detach().cpu().numpy() for key, value in model.head.state_dict().items()}
        solution = trainer.from_first(lambda: stage.solve(train, validation, present, context))
        _new_head(model, stage.head_after(head), context)
        _load(model, solution, stage)
        own = replace(trainer, session=replace(trainer.session, head=stage.head_after(head), features=table))
        network = HeadNetwork(model)
        validate = self.validate(own)
        values = {
            "stage": name,
            "epoch": 1,
            **_fit_values(own.predict(network, self.plan), train.labels, context.classes),
            **({} if validate is None else {"validation": validate(network)}),
            "solution": dict(solution.facts),
        }
        seconds = time.perf_counter() - started
        values |= {"seconds": round(seconds, 3), "rows_per_second": round(len(self.plan) / seconds, 1)}
        found = f" ({numbers})" if (numbers := numbers_text(solution.facts)) else ""
        trainer.session.progress.note(f"{name}: a head from {len(train.labels):,} rows{found}  {describe(values)}")
        if trainer.session.fabric.is_global_zero:
            trainer.epoch_finished(name, 1, values)

    # --- features ----------------------------------------------------------------------------------------------------

    def _features(self, model: Classifier, trained_by: str) -> FeatureTable:
        """The features that the body gives all rows, computed once; a resumed run reads them from its checkpoints."""
        if trained_by not in self._tables:
            trainer, plans = self.trainer, [self.plan, self.validation]
            file = trainer.folder / f"{trained_by}-features.pt"
            saved = trainer.from_first(lambda: load_checkpoint(file) if file.exists() else None)
            if saved is None:
                started = time.perf_counter()
                saved = {"features": [torch.from_numpy(trainer.features(model, plan)) for plan in plans]}
                rows, seconds = sum(map(len, plans)), time.perf_counter() - started
                trainer.session.progress.note(f"features of {rows:,} rows computed in {seconds:.1f} s")
                if trainer.session.fabric.is_global_zero:
                    save_checkpoint(file, saved)
                trainer.session.fabric.barrier()
            self._tables[trained_by] = FeatureTable.of(plans, saved["features"], trainer.session.fabric.device)
        return self._tables[trained_by]


def _new_head(model: Classifier, head: Head, context: BuildContext) -> None:
    """Give the network a fresh head of a part."""
    torch.manual_seed(context.seed)
    device = model.mean.device
    model.head = head.build(context, model.width).to(device)
    model.dropout = torch.nn.Dropout(head.dropout)


def _as_built(head: nn.Module, expected: nn.Module, stage: TrainedStage) -> nn.Module:
    """The head that a stage gives back. Raises PluginError for one that the run could not build again."""
    found, needed = ({key: list(value.shape) for key, value in part.state_dict().items()} for part in (head, expected))
    if found != needed:
        raise PluginError(
            f"`head_trained` of {with_origin(stage)} must give the head again that its `head_after` builds, with the parameters "
            f"{needed}, got {found}"
        )
    return head


def _load(model: Classifier, solution: Solution, stage: SolvedStage) -> None:
    """Put a solution into the network's head. Raises PluginError for one that does not fit."""
    state = {key: torch.from_numpy(np.array(value, dtype=np.float32)) for key, value in solution.state.items()}
    try:
        model.head.load_state_dict(state)
    except RuntimeError as error:
        raise PluginError(f"stage {stage.name!r} found a head that its `head_after` does not build: {error}") from error


def _fit_values(logits: np.ndarray, labels: np.ndarray, classes: tuple[str, ...]) -> dict[str, Any]:
    """Mean cross entropy and recall of each class on the training rows, as the log has of an epoch."""
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(logits).double(), torch.from_numpy(labels))
    recall = recall_of_classes(labels, logits.argmax(axis=1), len(classes))
    found = {name: None if np.isnan(value) else float(value) for name, value in zip(classes, recall, strict=True)}
    return {"loss": float(loss), "train_recall": found}
