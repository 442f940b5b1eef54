"""What a finished run leaves: decision, figures, predictions, plan, weights and report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imbalkit import run_folder
from imbalkit.checkpoints import write_atomic
from imbalkit.decision import Decision, decide, fit_decision
from imbalkit.evaluation import evaluate
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import BuildContext, Predictions
from imbalkit.parquet import write_parquet
from imbalkit.plan import Plan
from imbalkit.planning import Prepared, metrics_of
from imbalkit.resampling import Step, audit
from imbalkit.stores import BadImage

if TYPE_CHECKING:
    from imbalkit.model import Classifier


def figures(
    prepared: Prepared, labels: np.ndarray, logits: np.ndarray, decision: Decision | None = None
) -> dict[str, Any]:
    """Every metric of the recipe on rows, at the decision given, or else uncalibrated at one half."""
    probabilities = decision.probabilities(logits) if decision else softmax(logits)
    decisions = decide(probabilities, decision.threshold if decision else 0.5, prepared.positive)
    predictions = Predictions(
        labels.astype(np.int64),
        probabilities,
        decisions,
        prepared.classes,
        prepared.positive,
        prepared.ladder[0].counts.low,
    )
    return evaluate(predictions, metrics_of(prepared.recipe, prepared.catalogue))


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
    bad_images: Sequence[BadImage] = (),
) -> None:
    """Write the run folder; metrics.json comes last: a folder that has it is complete."""
    decision = fit_decision(
        logits["validation"], sides["validation"].label, prepared.recipe.decision, prepared.positive
    )
    frames = [_predictions(prepared, side, sides[side], logits[side], decision) for side in ("validation", "test")]
    write_parquet(folder / run_folder.PREDICTIONS, pd.concat(frames, ignore_index=True))
    write_parquet(folder / run_folder.PLAN, audit(plan, steps, prepared.table.frame.get("path")))
    write_weights(folder / run_folder.WEIGHTS, model)
    metrics: dict[str, Any] = {
        "test": figures(prepared, sides["test"].label, logits["test"], decision),
        "validation": figures(prepared, sides["validation"].label, logits["validation"], decision)
        if len(sides["validation"])
        else None,
        "decision": decision.to_json(),
        "ladder": [
            {"stage": "train", "counts": list(source.counts())},
            *({"stage": step.stage, "counts": list(step.counts)} for step in steps),
        ],
        "bad_images": [asdict(image) for image in bad_images],
        "notes": [*prepared.split.notes, *decision.notes],
    }
    if prepared.positive is not None and (decision.threshold != 0.5 or decision.calibrator):
        metrics["test_at_one_half"] = figures(prepared, sides["test"].label, logits["test"])
    run_folder.note_finished(folder, image_shape=[*context.image_size, context.channels])
    from imbalkit.report import write_report

    write_report(folder, prepared, metrics)
    if prepared.recipe.export:
        from imbalkit.exporting import export_all

        metrics["export"] = export_all(prepared, model, decision, context, folder)
    run_folder.write_json(folder / run_folder.METRICS, metrics)
    shutil.rmtree(folder / run_folder.CHECKPOINTS, ignore_errors=True)
    prepared.catalogue.notify("run_finished", folder=folder, metrics=metrics)


def _predictions(prepared: Prepared, side: str, rows: Plan, logits: np.ndarray, decision: Decision) -> pd.DataFrame:
    """One row a sample: what it is, what the model says, what is decided."""
    table = prepared.table.frame.iloc[rows.source]
    probabilities = decision.probabilities(logits)
    names = np.array(prepared.classes, dtype=object)
    frame = pd.DataFrame({"source": rows.source, "split": side, "label": names[rows.label]})
    for column in ("path", "group"):
        if column in table:
            frame[column] = table[column].to_numpy()
    frame["decision"] = names[decision.decide(logits)]
    for index, name in enumerate(prepared.classes):
        frame[f"probability_{name}"] = probabilities[:, index]
    for index, name in enumerate(prepared.classes):
        frame[f"logit_{name}"] = logits[:, index]
    return frame


def write_weights(path: Path, model: Classifier) -> None:
    """The network's parameters as safetensors."""
    from safetensors.torch import save

    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_atomic(path, lambda temporary: temporary.write_bytes(save(state)))
