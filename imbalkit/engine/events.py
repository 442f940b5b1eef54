"""What happens in a run, as it happens: into run.json, the log, the progress display and to observers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imbalkit.catalogue import Catalogue
from imbalkit.engine.observers import Observers
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import Recipe
from imbalkit.runs import folder as run_folder
from imbalkit_lite.text import counted


class RunEvents:
    """Writes down and passes on what happens in a run; in all but the first of several processes it does nothing."""

    def __init__(
        self, folder: Path, catalogue: Catalogue, note: Callable[[str], None], tensorboard: bool, first_process: bool
    ):
        self.folder, self.note = folder, note
        self.observers = Observers(folder, catalogue, note, tensorboard) if first_process else None

    @contextmanager
    def during(self, recipe: Recipe, **facts: Any) -> Iterator[None]:
        """Within it the run goes on: its start, with facts for run.json, and an end by an error are told."""
        if self.observers is None:
            yield
            return
        run_folder.note(self.folder, **facts)
        try:
            self.observers.run_started(recipe)
            yield
        except BaseException as error:
            self.observers.run_failed(error)
            raise

    def plan_changed(self, plan: Plan, stage: str) -> None:
        """After each sampler and round."""
        if self.observers is not None:
            self.note(f"{stage}: {counted(zip(plan.classes, plan.counts(), strict=True))}")
            self.observers.plan_changed(plan, stage)

    def epoch_finished(self, stage: str, epoch: int, values: Mapping[str, Any]) -> None:
        """After each epoch."""
        if self.observers is not None:
            run_folder.append_log(self.folder, values)
            self.observers.epoch_finished(stage, epoch, values)

    def run_finished(self, metrics: Mapping[str, Any]) -> None:
        """Once, when the run folder is complete."""
        if self.observers is not None:
            self.observers.run_finished(metrics)
