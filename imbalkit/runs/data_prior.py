"""Probabilities of a finished run at the class prior of its data, also where its own decision left that of training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from imbalkit.decision.class_prior import Ledger
from imbalkit.decision.decision import Decision
from imbalkit.errors import RunError
from imbalkit.functional.prior import shares
from imbalkit.kinds import Loss
from imbalkit.runs.results import RunData

if TYPE_CHECKING:
    from imbalkit.recipe.recipe import Recipe


def restored_to_data(run: RunData, recipe: Recipe, decision: Decision) -> tuple[Decision, np.ndarray]:
    """A decision of a finished run that gives probabilities at the prior of its data, and that prior, float64 [C].

    It is the run's own where that restored the prior, or where nothing shifted it; else one that does so, by the run's ledger
    where that is exact and fitted on its validation rows where it is not. Its notes are those of such a fit.

    Args:
        run: its files
        recipe: as the run resolved it
        decision: as the run fitted it

    Raises:
        RunError: the prior cannot be restored; the text is why
    """
    from imbalkit.decision.fit import fit_decision
    from imbalkit.decision.settings import DecisionSettings
    from imbalkit.recipe.traverse import parts_of

    facts = run.metrics.get("prior")
    losses = [part for _, part in parts_of(recipe) if isinstance(part, Loss)]
    ledger = None if facts is None else Ledger.from_json(facts, losses)
    data = shares(run.metrics["class_counts"][0]["counts"]) if ledger is None else ledger.data
    if decision.prior != "as_trained" or (facts is not None and not facts["shifted"]):
        return replace(decision, notes=()), data
    rows = run.split_rows("validation")
    logits = rows.frame[[f"logit_{name}" for name in run.classes]].to_numpy(np.float32)
    settings = DecisionSettings(prior="data", calibrator=recipe.decision.calibrator)
    found = fit_decision(logits, rows.labels, settings, None, ledger, rows.groups, run.classes)
    if found.prior == "as_trained":
        raise RunError(" ".join(found.notes))
    return found, data
