"""Observers of a run or a sweep: each plugin's, and the writer of TensorBoard files. One that fails is switched off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imbalkit.base.files import read_json
from imbalkit.catalogue import Catalogue
from imbalkit.errors import ImbalkitError
from imbalkit.runs import folder as run_folder

if TYPE_CHECKING:
    from imbalkit.engine.tensorboard import EpochWriter
    from imbalkit.plan import Plan
    from imbalkit.recipe.recipe import Recipe


class Observers:
    """Calls observers with what happens in a run.

    One that raises an exception is warned of once, noted in run.json under `observers_off`, and not called again. An
    ImbalkitError is how an observer asks to end the run: it passes, as KeyboardInterrupt and SystemExit do.
    """

    def __init__(self, folder: Path, catalogue: Catalogue, note: Callable[[str], None], tensorboard: bool = False):
        self.folder, self.catalogue, self.note = folder, catalogue, note
        self.off: dict[str, str] = {}  # name -> why
        self.writer: EpochWriter | None = None
        if tensorboard:
            from imbalkit.engine.tensorboard import EpochWriter

            self.writer = EpochWriter(folder)

    def run_started(self, recipe: Recipe) -> None:
        """Before anything is decoded or trained."""
        writer = self.writer
        if writer is not None:
            self._call("tensorboard", "log.jsonl", lambda: writer.catch_up(run_folder.read_log(self.folder)))
        self._notify("run_started", folder=self.folder, recipe=recipe.model_dump(mode="json"))

    def plan_changed(self, plan: Plan, stage: str) -> None:
        """After each sampler and round."""
        self._notify("plan_changed", plan=plan.copy(), stage=stage, folder=self.folder)

    def epoch_finished(self, stage: str, epoch: int, metrics: Mapping[str, Any]) -> None:
        """After each epoch."""
        writer = self.writer
        if writer is not None:
            self._call("tensorboard", f"epoch {epoch} of {stage}", lambda: writer.write(stage, epoch, metrics))
        self._notify("epoch_finished", stage=stage, epoch=epoch, metrics=metrics, folder=self.folder)

    def run_finished(self, metrics: Mapping[str, Any]) -> None:
        """Once, when the run folder is complete."""
        self._notify("run_finished", folder=self.folder, metrics=metrics)

    def run_failed(self, error: BaseException) -> None:
        """Once, when the run ends early. No observer can put another error in its place."""
        try:
            self._notify("run_failed", folder=self.folder, error=error)
        except ImbalkitError as later:
            self.note(f"warning: {later}")

    def sweep_started(self, recipe: Recipe) -> None:
        """Before the cells of a sweep start; `recipe` is that of the first."""
        self._notify("sweep_started", folder=self.folder, recipe=recipe.model_dump(mode="json"))

    def sweep_finished(self, unfinished: Sequence[str]) -> None:
        """Once the cells of a sweep are over."""
        self._notify("sweep_finished", folder=self.folder, unfinished=unfinished)

    def _notify(self, hook: str, **arguments: Any) -> None:
        for provider, call in self.catalogue.calls(hook, arguments):
            self._call(provider.plugin, f"{hook} of plugin {provider.plugin!r} ({provider})", call)

    def _call(self, name: str, what: str, call: Callable[[], Any]) -> None:
        if name in self.off:
            return
        try:
            call()
        except ImbalkitError:
            raise
        except Exception as error:
            self.off[name] = f"{what} failed: {type(error).__name__}: {error}"
            self.note(f"warning: {self.off[name]}; it is not called again in this run, which goes on")
            if (self.folder / run_folder.FACTS).exists():  # a sweep has none
                before = read_json(self.folder / run_folder.FACTS).get("observers_off", {})
                run_folder.note(self.folder, observers_off=before | self.off)
