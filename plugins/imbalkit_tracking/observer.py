"""The hooks of a tracker: what a run tells goes to the tracker's run, the same one however often the run goes on."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from imbalkit.kinds import hookimpl
from imbalkit.runs import folder as run_folder
from imbalkit_tracking.record import read_parent, read_record, write_record

End = Literal["finished", "failed", "stopped"]


@dataclass(frozen=True)
class Opening:
    """What a tracker's run is opened with.

    Attributes:
        folder: the run or sweep folder
        kind: a run, or what groups runs
        recipe: the resolved recipe in plain values
        kept: what was kept of the tracker's run when it was opened before; empty if this is the first time
        parent: what was kept of the run that groups it; empty without one
    """

    folder: Path
    kind: Literal["run", "cross-validation", "sweep"]
    recipe: Mapping[str, Any]
    kept: Mapping[str, Any]
    parent: Mapping[str, Any]


class TrackedRun(Protocol):
    """One run of a tracker, open. Each method raises an exception where the tracker is not reached."""

    kept: dict[str, Any]  # plain values to open it by again

    def __init__(self, opening: Opening) -> None: ...

    def epoch(self, stage: str, epoch: int, entry: Mapping[str, Any]) -> None:
        """Send an epoch's numbers."""

    def results(self, metrics: Mapping[str, Any]) -> None:
        """Send what metrics.json holds, and files; of a sweep the files alone."""

    def end(self, how: End, error: str = "") -> None:
        """Mark it as over."""


@dataclass
class _Open:
    run: TrackedRun
    epochs: dict[str, int] = field(default_factory=dict)  # the last one sent of each stage


class TrackerObserver:
    """A plugin that sends what happens to a tracker, where the recipe says `logging: {NAME: true}`.

    Args:
        name: the key of `logging`, and the plugin's name
        opened_by: "module:class" of its runs, imported where it is needed
    """

    def __init__(self, name: str, opened_by: str):
        self.name, self.opened_by = name, opened_by
        self._open: dict[Path, _Open] = {}

    @hookimpl
    def run_started(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        """Open the run, and send what log.jsonl has that it has not."""
        folds = recipe["split"]["folds"] is not None and recipe["split"]["fold"] is None
        opened = self._start(folder, recipe, "cross-validation" if folds else "run")
        if opened is not None:
            for entry in run_folder.read_log(folder):
                self.epoch_finished(entry["stage"], entry["epoch"], entry, folder)

    @hookimpl
    def epoch_finished(self, stage: str, epoch: int, metrics: Mapping[str, Any], folder: Path) -> None:
        """Send an epoch once: one that was cut off before its checkpoint is told again."""
        opened = self._open.get(folder)
        if opened is not None and epoch > opened.epochs.get(stage, 0):
            opened.run.epoch(stage, epoch, metrics)
            opened.epochs[stage] = epoch
            self._keep(folder, opened)

    @hookimpl
    def run_finished(self, folder: Path, metrics: Mapping[str, Any]) -> None:
        """Send results and files."""
        opened = self._open.pop(folder, None)
        if opened is not None:
            opened.run.results(metrics)
            opened.run.end("finished")

    @hookimpl
    def run_failed(self, folder: Path, error: BaseException) -> None:
        """Mark it as failed, or as stopped by the user."""
        opened = self._open.pop(folder, None)
        if opened is not None:
            how: End = "failed" if isinstance(error, Exception) else "stopped"
            opened.run.end(how, f"{type(error).__name__}: {error}")

    @hookimpl
    def sweep_started(self, folder: Path, recipe: Mapping[str, Any]) -> None:
        """Open what groups the cells, before they start: a tracker's store is made once, not by each of them."""
        self._start(folder, recipe, "sweep")

    @hookimpl
    def sweep_finished(self, folder: Path, unfinished: Sequence[str]) -> None:
        """Send tables."""
        opened = self._open.pop(folder, None)
        if opened is not None:
            opened.run.results({})
            cells = ", ".join(unfinished)
            opened.run.end(
                "failed" if unfinished else "finished", f"cells that are not finished: {cells}" if cells else ""
            )

    def _start(
        self, folder: Path, recipe: Mapping[str, Any], kind: Literal["run", "cross-validation", "sweep"]
    ) -> _Open | None:
        self._open.pop(folder, None)
        if not recipe["logging"].get(self.name):
            return None
        kept = read_record(folder, self.name)
        opening = Opening(folder, kind, recipe, kept, read_parent(folder, self.name))
        run: TrackedRun = pkgutil.resolve_name(self.opened_by)(opening)
        same = all(kept.get(key) == value for key, value in run.kept.items())
        opened = _Open(run, dict(kept.get("epochs", {})) if same else {})
        self._open[folder] = opened
        self._keep(folder, opened)
        return opened

    def _keep(self, folder: Path, opened: _Open) -> None:
        write_record(folder, self.name, {**opened.run.kept, **({"epochs": opened.epochs} if opened.epochs else {})})
