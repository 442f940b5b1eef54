"""What a finished run leaves: decision, figures, predictions, plan, weights, exported files and report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit.base.files import write_parquet
from imbalkit.data.image_store import BadImage, ImageStore
from imbalkit.data.table import RESERVED
from imbalkit.decision.decision import Decision
from imbalkit.decision.fit import fit_decision
from imbalkit.engine.run_metrics import assess
from imbalkit.kinds import BuildContext
from imbalkit.plan import Plan
from imbalkit.plan.audit import Step, audit
from imbalkit.recipe.class_prior import prior_ledger
from imbalkit.recipe.prepared import Prepared
from imbalkit.runs import folder as run_folder
from imbalkit_lite.files import write_atomic

if TYPE_CHECKING:
    from imbalkit.training.classifier import Classifier


def write_outputs(
    folder: Path,
    prepared: Prepared,
    source: Plan,
    plan: Plan,
    steps: list[Step],
    model: Classifier,
    context: BuildContext,
    sides: Mapping[str, Plan],
    logits: Mapping[str, np.ndarray],
    images: ImageStore,
    bad_images: Sequence[BadImage] = (),
) -> dict[str, Any]:
    """Write the run folder; metrics.json, whose content is returned, comes last: a folder that has it is complete."""
    class_counts = [
        {"stage": "train", "counts": list(source.counts())},
        *({"stage": step.stage, "counts": list(step.counts)} for step in steps),
    ]
    ledger = prior_ledger(prepared, [stage["counts"] for stage in class_counts])
    groups = prepared.table.groups
    decision = fit_decision(
        logits["validation"],
        sides["validation"].label,
        prepared.recipe.decision,
        prepared.positive,
        ledger,
        None if groups is None else groups[sides["validation"].source],
        prepared.classes,
    )
    frames = [_predictions(prepared, side, sides[side], logits[side], decision) for side in ("validation", "test")]
    write_parquet(folder / run_folder.PREDICTIONS, pd.concat(frames, ignore_index=True))
    write_parquet(folder / run_folder.PLAN, audit(plan, steps, prepared.table.frame.get("path")))
    write_weights(folder / run_folder.WEIGHTS, model)
    metrics: dict[str, Any] = {
        **assess(prepared, decision, sides, logits),
        "prior": ledger.to_json(),
        "decision": decision.to_json(),
        "class_counts": class_counts,
        "bad_images": [asdict(image) for image in bad_images],
        "notes": [*prepared.split.notes, *decision.notes],
    }
    run_folder.note_finished(folder, image_shape=[*context.image_size, context.channels])
    if prepared.recipe.export:
        from imbalkit.export.export import export_all

        metrics["export"], notes = export_all(folder, metrics, prepared)
        metrics["notes"] += notes
    from imbalkit.report import write_report

    write_report(folder, prepared, metrics, images, model)
    run_folder.write_json(folder / run_folder.METRICS, metrics)
    shutil.rmtree(folder / run_folder.CHECKPOINTS, ignore_errors=True)
    return metrics


def _predictions(prepared: Prepared, side: str, rows: Plan, logits: np.ndarray, decision: Decision) -> pd.DataFrame:
    """One row a sample: what it is, what the model says, what is decided."""
    table = prepared.table.frame.iloc[rows.source]
    probabilities = decision.probabilities(logits)
    names = np.array(prepared.classes, dtype=object)
    columns: dict[str, Any] = {"source": rows.source, "split": side, "label": names[rows.label]}
    columns |= {column: table[column].to_numpy() for column in ("path", "group") if column in table}
    columns |= {"decision": names[decision.decide(logits)], "abstained": decision.abstains(logits)}
    columns |= {f"probability_{name}": probabilities[:, index] for index, name in enumerate(prepared.classes)}
    columns |= {f"logit_{name}": logits[:, index] for index, name in enumerate(prepared.classes)}
    others = table.columns.difference(RESERVED, sort=False)
    columns |= {f"metadata_{column}": table[column].to_numpy() for column in others}
    return pd.DataFrame(columns)  # at once: one by one is slow from a hundred classes on, and pandas warns


def write_weights(path: Path, model: Classifier) -> None:
    """The network's parameters as safetensors."""
    from safetensors.torch import save

    content = save({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()})
    write_atomic(path, lambda temporary: temporary.write_bytes(content), len(content))
