"""The hooks, all of them. A plugin implements any of these as plain functions marked with `@hookimpl`.

Registration hooks take no argument and return classes of one kind (imbalkit.kinds); the catalogue sorts them by name, so
the order of plugins never matters. Observers are called while a run goes on and cannot change it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from imbalkit.kinds.common import hookimpl

if TYPE_CHECKING:
    from imbalkit import kinds
    from imbalkit.plan import Plan

__all__ = ["hookimpl", "hookspec"]

hookspec = pluggy.HookspecMarker("imbalkit")


@hookspec
def register_datasets() -> list[type[kinds.Dataset]]:
    """Readers of a user's data."""


@hookspec
def register_containers() -> list[type[kinds.Container]]:
    """Files and remote places that hold many images."""


@hookspec
def register_ops() -> list[type[kinds.Op]]:
    """Operations that views are made of."""


@hookspec
def register_samplers() -> list[type[kinds.AnySampler]]:
    """Methods that add or drop rows of the plan."""


@hookspec
def register_scores() -> list[type[kinds.Score]]:
    """Numbers that a scored sampler ranks rows by."""


@hookspec
def register_losses() -> list[type[kinds.Loss]]:
    """Losses."""


@hookspec
def register_backbones() -> list[type[kinds.Backbone]]:
    """Networks from an image to features."""


@hookspec
def register_heads() -> list[type[kinds.Head]]:
    """Classifiers on a backbone's features."""


@hookspec
def register_orders() -> list[type[kinds.Order]]:
    """Which rows of the plan an epoch visits."""


@hookspec
def register_mixers() -> list[type[kinds.Mixer]]:
    """Mixtures of two rows of a batch."""


@hookspec
def register_stages() -> list[type[kinds.AnyStage]]:
    """What follows the main training."""


@hookspec
def register_augmentations() -> list[type[kinds.Augmentation]]:
    """Random online augmentations."""


@hookspec
def register_metrics() -> list[type[kinds.Metric]]:
    """Metrics of predictions."""


@hookspec
def register_calibrators() -> list[type[kinds.Calibrator]]:
    """Corrections of logits, fitted on validation."""


@hookspec
def register_thresholds() -> list[type[kinds.Threshold]]:
    """Rules that choose the operating point on validation."""


@hookspec
def register_exporters() -> list[type[kinds.Exporter]]:
    """Writers of model files."""


@hookspec
def register_launchers() -> list[type[kinds.Launcher]]:
    """Runners of independent pieces of work."""


@hookspec
def register_recipes() -> Mapping[str, Path]:
    """Recipes by name, such as `{"mine/base": Path(__file__).parent / "base.yaml"}`."""


@hookspec
def register_sweeps() -> Mapping[str, Path]:
    """Sweep files by name, such as `{"mine/grid": Path(__file__).parent / "grid.yaml"}`."""


@hookspec
def run_started(folder: Path, recipe: Mapping[str, Any]) -> None:
    """Called before anything is decoded or trained, also when a run goes on: its log.jsonl then has the epochs of before.

    `recipe` is the resolved recipe in plain values, as recipe.yaml holds it.
    """


@hookspec
def plan_changed(plan: Plan, stage: str, folder: Path) -> None:
    """Called after every sampler (and round) with the new plan; `stage` is such as "samplers[1] loss_rank, round 2"."""


@hookspec
def epoch_finished(stage: str, epoch: int, metrics: Mapping[str, Any], folder: Path) -> None:
    """Called after each epoch with the metrics that go to log.jsonl."""


@hookspec
def run_finished(folder: Path, metrics: Mapping[str, Any]) -> None:
    """Called once, after the run folder is complete."""


@hookspec
def run_failed(folder: Path, error: BaseException) -> None:
    """Called when a started run ends early: an error, or stopped (KeyboardInterrupt). `--resume` may start it again."""


@hookspec
def sweep_started(folder: Path, recipe: Mapping[str, Any]) -> None:
    """Called before the cells of a sweep start, also when it goes on; `recipe` is that of its first cell.

    The cells are runs of their own, in folders below `folder`/cells, each in a process of its own, perhaps elsewhere.
    """


@hookspec
def sweep_finished(folder: Path, unfinished: Sequence[str]) -> None:
    """Called when the cells of a sweep are over; `unfinished` are the cells that failed or were not run."""


@hookspec
def report_sections(folder: Path, metrics: Mapping[str, Any], prepared: kinds.PreparedRun) -> Mapping[str, str]:
    """Sections for the run's report: title -> Markdown; `prepared` is an imbalkit.kinds.PreparedRun.

    Raw HTML is shown as text. Pictures are put into the page if they are files of the run folder, such as `![what](name.png)`.
    """
