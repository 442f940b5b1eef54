"""The plan that a run trained on, made again without training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.base.randomness import generator
from imbalkit.errors import ImbalkitError, RunError
from imbalkit.kinds import Sampler
from imbalkit.runs import folder as run_folder
from imbalkit.runs.results import AUDIT, RunData

if TYPE_CHECKING:
    from imbalkit.plan import Plan
    from imbalkit.recipe.prepared import Prepared


def replay(prepared: Prepared, audit: pd.DataFrame | None = None, bad: tuple[int, ...] = ()) -> tuple[Plan, list[str]]:
    """The plan after every sampler, and the samplers that were passed over.

    Samplers that need no model run again, as their generators give the same rows. Of the others the audit says which rows
    they dropped; without it they are passed over.

    Args:
        prepared: the checked recipe and its data
        audit: the columns key, kept and dropped_by of a run's plan.parquet
        bad: samples that the run left out as unreadable

    Raises:
        RunError: the rows are not those of the audit
    """
    recipe, plan = prepared.recipe, prepared.source_plan(bad)
    passed_over = []
    for index, sampler in enumerate(recipe.samplers):
        if isinstance(sampler, Sampler):
            earlier = sum(other.name == sampler.name for other in recipe.samplers[:index])
            plan = sampler.resample(plan, generator(recipe.seed, "sampler", sampler.name, earlier, 0))
        elif audit is None:
            passed_over.append(sampler.name)
        else:
            stages = audit["dropped_by"].astype(str)
            # "samplers[1] loss_rank, round 1", "..., round 2"
            mine = stages.str.startswith(f"samplers[{index}] {sampler.name}, round ")
            plan = plan.drop(np.flatnonzero(np.isin(plan.key, audit.loc[mine, "key"].to_numpy(np.uint64))))
    if audit is not None:
        kept = audit.loc[audit["kept"], "key"].to_numpy(np.uint64)
        if not np.array_equal(np.sort(plan.key), np.sort(kept)):
            raise RunError(
                "the plan cannot be made again as it was: the data, the samplers or the versions have changed since the run"
            )
    return plan, passed_over


def plan_of_run(
    name: str, recipe: Mapping[str, Any], folder: Path | None, without: tuple[str, ...] = ()
) -> tuple[Prepared, Plan, list[str]]:
    """A finished run's recipe, checked, its plan, and the samplers that were passed over (where no plan was kept).

    Args:
        name: of the run
        recipe: the resolved recipe, as plain data
        folder: the run folder, None where a sweep kept the results alone
        without: plugins to leave out

    Raises:
        RunError: the data or the parts are not here, or are not what they were
    """
    from imbalkit.catalogue import default_catalogue
    from imbalkit.recipe.document import Document
    from imbalkit.recipe.prepare import prepare_document

    try:
        document = Document(dict(recipe), name=name)
        prepared = prepare_document(document, default_catalogue(tuple(without)))
        return (prepared, *replay(prepared, *_kept(folder)))
    except ImbalkitError as error:
        began = RunData(folder).facts.get("directory") if folder else None
        hint = f"\n  (the run began in {began}, where relative paths start)" if began not in (None, os.getcwd()) else ""
        raise RunError(f"{folder or name}: {error}{hint}") from error


def _kept(folder: Path | None) -> tuple[pd.DataFrame | None, tuple[int, ...]]:
    """What a run folder has of its plan: the audit, if it is there, and the samples with unreadable images."""
    if folder is None:
        return None, ()
    run = RunData(folder)
    return (run.read_audit(AUDIT) if (folder / run_folder.PLAN).exists() else None), run.bad_images
