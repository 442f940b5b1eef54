"""The built-in parts, registered through the same hooks as a third party's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import (
    AnySampler,
    AnyStage,
    Augmentation,
    Backbone,
    Calibrator,
    Container,
    Dataset,
    Exporter,
    Head,
    Launcher,
    Loss,
    Metric,
    Mixer,
    Op,
    Order,
    Score,
    Threshold,
)


@hookimpl
def register_datasets() -> list[type[Dataset]]:
    from imbalkit.builtin.datasets import DATASETS

    return DATASETS


@hookimpl
def register_containers() -> list[type[Container]]:
    from imbalkit.builtin.containers import CONTAINERS

    return CONTAINERS


@hookimpl
def register_ops() -> list[type[Op]]:
    from imbalkit.builtin.ops import OPS

    return OPS


@hookimpl
def register_samplers() -> list[type[AnySampler]]:
    from imbalkit.builtin.samplers import SAMPLERS

    return SAMPLERS


@hookimpl
def register_scores() -> list[type[Score]]:
    from imbalkit.builtin.scores import SCORES

    return SCORES


@hookimpl
def register_losses() -> list[type[Loss]]:
    from imbalkit.builtin.losses import LOSSES

    return LOSSES


@hookimpl
def register_backbones() -> list[type[Backbone]]:
    from imbalkit.builtin.backbones import BACKBONES

    return BACKBONES


@hookimpl
def register_heads() -> list[type[Head]]:
    from imbalkit.builtin.heads import HEADS

    return HEADS


@hookimpl
def register_orders() -> list[type[Order]]:
    from imbalkit.builtin.orders import ORDERS

    return ORDERS


@hookimpl
def register_mixers() -> list[type[Mixer]]:
    from imbalkit.builtin.mixers import MIXERS

    return MIXERS


@hookimpl
def register_stages() -> list[type[AnyStage]]:
    from imbalkit.builtin.stages import STAGES

    return STAGES


@hookimpl
def register_augmentations() -> list[type[Augmentation]]:
    from imbalkit.builtin.augmentations import AUGMENTATIONS

    return AUGMENTATIONS


@hookimpl
def register_metrics() -> list[type[Metric]]:
    from imbalkit.builtin.metrics import METRICS

    return METRICS


@hookimpl
def register_calibrators() -> list[type[Calibrator]]:
    from imbalkit.builtin.calibrators import CALIBRATORS

    return CALIBRATORS


@hookimpl
def register_thresholds() -> list[type[Threshold]]:
    from imbalkit.builtin.thresholds import THRESHOLDS

    return THRESHOLDS


@hookimpl
def register_exporters() -> list[type[Exporter]]:
    from imbalkit.builtin.exporters import EXPORTERS

    return EXPORTERS


@hookimpl
def register_launchers() -> list[type[Launcher]]:
    from imbalkit.builtin.launchers import LAUNCHERS

    return LAUNCHERS


@hookimpl
def register_recipes() -> Mapping[str, Path]:
    return {"digits": Path(__file__).parent / "recipes" / "digits.yaml"}
