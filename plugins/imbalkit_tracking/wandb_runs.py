"""Runs of Weights & Biases: online, or offline (`WANDB_MODE=offline`) to be sent by `wandb sync`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from typing import Any

from imbalkit_tracking.observer import End, Opening
from imbalkit_tracking.values import class_rows, document_files, epoch_numbers, final_numbers, model_files

PROJECT = "imbalkit"
EXIT_CODES = {"finished": 0, "failed": 1, "stopped": 130}
# W&B's own defaults ask for an account at the terminal, and wait long at the end. What the environment says goes first.
DEFAULTS = {
    "WANDB_LOGIN_TIMEOUT": "1",  # seconds
    "WANDB_INIT_TIMEOUT": "20",
    "WANDB_FINISH_TIMEOUT": "120",  # what is not sent by then stays in the folder, for `wandb sync`
    "WANDB_CONSOLE": "off",
    "WANDB_SILENT": "true",
}


class WandB:
    """A run of W&B; those of a sweep or a cross-validation are a group.

    Its folder `wandb/` lies in the run folder, or in that of the sweep, from which cells may be taken away (`keep: results`).
    """

    def __init__(self, opening: Opening):
        for name, value in DEFAULTS.items():
            os.environ.setdefault(name, value)
        import wandb

        folder, kept, parent = opening.folder, opening.kept, opening.parent
        self.opening, self.wandb = opening, wandb
        self.kept: dict[str, Any] = {"run": kept.get("run") or uuid.uuid4().hex[:8]}
        group = parent.get("group")
        if opening.kind != "run":
            group = group or kept.get("group") or f"{folder.name}-{self.kept['run']}"
            self.kept |= {"group": group, "place": parent.get("place") or str(folder.absolute())}
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            id=self.kept["run"],
            name=os.environ.get("WANDB_NAME") or folder.name,
            group=os.environ.get("WANDB_RUN_GROUP") or group,
            job_type=opening.kind,
            notes=opening.recipe["description"] or None,
            config=dict(opening.recipe),
            allow_val_change=True,  # of keys that change no result, when it goes on
            dir=os.environ.get("WANDB_DIR") or parent.get("place") or str(folder.absolute()),
            resume=None if os.environ.get("WANDB_MODE") == "offline" else "allow",  # offline the id alone tells
            reinit="create_new",
        )
        self.stages: set[str] = set()

    def epoch(self, stage: str, epoch: int, entry: Mapping[str, Any]) -> None:
        """As a step of history; each stage counts its own epochs."""
        if stage not in self.stages:
            self.stages.add(stage)
            self.run.define_metric(f"{stage}/*", step_metric=f"{stage}/epoch")
        self.run.log({f"{stage}/epoch": epoch, **epoch_numbers(stage, entry)})

    def results(self, metrics: Mapping[str, Any]) -> None:
        """Numbers into the summary, documents as files, the model as an artifact."""
        self.run.summary.update(final_numbers(metrics))
        for rows in class_rows(self.opening.folder, metrics):
            self.run.log(rows)
        for path in document_files(self.opening.folder):
            self.run.save(str(path), base_path=str(self.opening.folder), policy="now")
        files = model_files(self.opening.folder, metrics)
        if files:
            artifact = self.wandb.Artifact(f"model-{self.kept['run']}", type="model")
            for path in files:
                artifact.add_file(str(path))
            self.run.log_artifact(artifact)

    def end(self, how: End, error: str = "") -> None:
        """With the error in the summary."""
        if error:
            self.run.summary["error"] = error
        self.run.finish(exit_code=EXIT_CODES[how])
