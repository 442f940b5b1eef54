"""An ensemble restored from its folder, or from the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn

from imbalkit.data.column_merge import recoding
from imbalkit.data.split import Split
from imbalkit.data.split_column import SPLIT_NAMES
from imbalkit.data.table import Table
from imbalkit.decision.decision import Decision
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs.data_record import known_record
from imbalkit.runs.members import open_members
from imbalkit.runs.network import recipe_of_run, restore_network
from imbalkit.runs.pool import pool
from imbalkit.runs.restored import Restored
from imbalkit.runs.results import RunData
from imbalkit.training.ensemble import Ensemble, EnsembleMember, Recoding
from imbalkit_lite.columns import ColumnEncoding


@dataclass(frozen=True)
class RestoredEnsemble(Restored):
    """An ensemble at work: `model` is an `Ensemble`, and the data are those of the first member.

    Attributes:
        members: the runs that it is made of, each with the steps of `decision` to its restored probabilities
    """

    members: tuple[Restored, ...] = ()

    @property
    def views(self) -> str:
        """Those of the members, by name."""
        return ", ".join(sorted({member.views for member in self.members}))

    @cached_property
    def network(self) -> nn.Module:
        """The mean of the members' networks at work, each with its own views."""
        return _mean([member.network for member in self.members], self.members, self.encoding)

    def _split(self, table: Table) -> Split:
        """The splits of the ensemble: what no member was trained on is validation or test."""
        record = known_record(self.folder)
        if (
            record is None or "split" not in record or len(record) != len(table)
        ):  # a cross-validation: that of its first fold
            return super()._split(table)
        train, validation, test = (np.flatnonzero((record["split"] == name).to_numpy()) for name in SPLIT_NAMES)
        counts = {name: table.counts(rows) for name, rows in zip(SPLIT_NAMES, (train, validation, test), strict=True)}
        return Split(train, validation, test, counts)


def restore_ensemble(
    run: RunData, device: str | torch.device | None = None, prepared: Prepared | None = None
) -> RestoredEnsemble:
    """The model of an ensemble's folder, or of the folds of a cross-validation, whose decision is fitted here.

    Raises RunError as `restore`, of any member, and for folds that make no ensemble.
    """
    members = open_members(run.members)
    if run.metrics.get("folds"):
        whole = pool(members)
        recipe, decision = whole.recipe, whole.decision
        catalogue = recipe_of_run(run.members[0], members.first.run.facts, run.classes)[1]
    else:
        recipe, catalogue = recipe_of_run(run.folder, run.facts, run.classes)
        decision = Decision.from_json(run.metrics["decision"], recipe.decision)
    restored = tuple(
        replace(restore_network(RunData(path), device), decision=own)
        for path, own in zip(run.members, members.decisions, strict=True)
    )
    first = restored[0]
    if len({each.recipe.training.precision for each in restored}) > 1:
        training = recipe.training.model_copy(update={"precision": "fp32"})
        recipe = recipe.model_copy(update={"training": training})
    return RestoredEnsemble(
        folder=run.folder,
        name=run.name,
        recipe=recipe,
        catalogue=catalogue,
        context=first.context,
        model=_mean([each.model for each in restored], restored, run.encoding),
        decision=decision,
        rule=first.rule,
        device=first.device,
        directory=Path(run.facts["directory"]),
        encoding=run.encoding,
        _prepared=prepared,
        members=restored,
    )


def _mean(networks: Sequence[nn.Module], members: Sequence[Restored], columns: ColumnEncoding | None) -> Ensemble:
    """The mean of what networks give, each with a member's steps to its restored probabilities, and columns as it takes them."""
    parts = [
        EnsembleMember(network, member.decision.corrections, recoded(columns, member.encoding))
        for network, member in zip(networks, members, strict=True)
    ]
    return Ensemble(parts).eval().to(members[0].device)


def recoded(columns: ColumnEncoding | None, own: ColumnEncoding | None) -> Recoding | None:
    """An ensemble's columns as a member's own; None for images alone."""
    return None if columns is None or own is None else Recoding(*recoding(columns, own))
