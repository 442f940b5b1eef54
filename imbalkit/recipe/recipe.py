"""The recipe: what a user writes, checked before anything runs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, ValidationInfo, field_validator, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from imbalkit.base.yaml_text import yaml_text
from imbalkit.data.split_settings import SplitSettings
from imbalkit.decision.settings import DecisionSettings
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.kinds import (
    AugmentationRef,
    BackboneRef,
    ClassName,
    DatasetRef,
    ExporterRef,
    Head,
    HeadRef,
    LauncherRef,
    LossRef,
    MetricRef,
    MixerRef,
    OrderRef,
    PathText,
    SamplerRef,
    ScheduleSettings,
    Settings,
    StageRef,
    param,
)
from imbalkit.recipe.card import ModelCardSettings
from imbalkit.recipe.inputs import InputSettings
from imbalkit_lite.files import write_text


class ImageSettings(Settings):
    """How an image file becomes pixels."""

    renamed = {"keep_copies": "render_cache_gib", "resize: squash": "resize: stretch"}

    size: int | list[int] | None = param(None, help="side, or [height, width] (default: the backbone's own)", unit="px")
    resize: Literal["stretch", "crop", "pad"] = param("stretch", help="how an image of another shape is made to fit")
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = param("bilinear", help="resampling filter")
    exif: bool = param(True, help="turn images as their EXIF orientation says")
    bits: int = param(
        16,
        help="how many bits 16-bit grey pictures hold: 0 to 2^bits - 1 becomes black to white",
        unit="bits",
        ge=8,
        le=16,
    )
    on_bad_image: Literal["error", "skip"] = param("error", help="what to do about unreadable images")
    keep: Literal["auto", "pixels", "files"] = param(
        "auto",
        help="what the cache keeps: pixels, decoded once; files as they are, decoded at each reading, which takes about 1/20 of "
        "the disk; auto: pixels if they fit half of the free disk",
    )
    cache: PathText | None = param(None, help="folder of the cache (default: IMBALKIT_CACHE, or the user's cache)")
    device_memory: float = param(
        0.5,
        help="largest share of a GPU's free memory that all decoded images may take; 0: read each batch",
        ge=0,
        lt=1,
    )
    render_cache_gib: float = param(
        0.0,
        help="memory for rendered copies, so that only the first epoch renders them; 0: none",
        unit="GiB",
        ge=0,
    )

    @model_serializer(mode="wrap")
    def _without_auto(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`keep` came later, and recipes of before keep their text and hash."""
        found: dict[str, Any] = handler(self)
        return {key: value for key, value in found.items() if (key, value) != ("keep", "auto")}

    @field_validator("size")
    @classmethod
    def _size(cls, value: int | list[int] | None) -> int | list[int] | None:
        sides = [value] if isinstance(value, int) else value or []
        if isinstance(value, list) and len(value) != 2:
            raise ValueError(f"expected a side or [height, width], got {value}")
        if any(not 1 <= side <= 4096 for side in sides):
            raise ValueError(f"expected sides from 1 to 4096 px, got {value}")
        return value

    @property
    def shape(self) -> tuple[int, int] | None:
        """(height, width) in px, None if the backbone decides."""
        if self.size is None:
            return None
        return (self.size, self.size) if isinstance(self.size, int) else (self.size[0], self.size[1])


class OptimizerSettings(Settings):
    """An optimiser by timm's name."""

    name: str = param("adamw", help="any optimiser that timm knows")
    lr: float = param(1e-3, help="learning rate; the peak of a one-cycle schedule", gt=0)
    weight_decay: float = param(0.01, help="weight decay; none on biases and normalisation", ge=0)
    layer_decay: float | None = param(
        None,
        help="factor on the learning rate from each layer to the one below it, such as 0.75; the head has the full rate "
        "(default: one rate for all layers)",
        gt=0,
        le=1,
    )
    options: dict[str, Any] = param({}, help="further arguments of the optimiser, such as {betas: [0.9, 0.99]}")

    @field_validator("options")
    @classmethod
    def _no_layers(cls, value: dict[str, Any]) -> dict[str, Any]:
        named = [key for key in value if key.startswith("layer_decay")]
        if named:
            raise ValueError(f"cannot set {named[0]!r}: write `layer_decay` beside `lr`")
        return value


class EarlyStopping(Settings):
    """Stop when the monitored metric has not improved for a while."""

    renamed = {"minimum": "min_delta"}

    patience: int = param(3, help="epochs without improvement before training stops", unit="epochs", ge=1)
    min_delta: float = param(
        0.0, help="smallest change that counts as improvement here; the best epoch is kept, whatever it is", ge=0
    )


class SAMSettings(Settings):
    """Sharpness-aware minimisation (Foret et al. 2021): two passes a step, about twice the time."""

    radius: float = param(0.05, help="how far from the weights, in their L2 norm, the gradient is taken", gt=0)


class TrainingSettings(Settings):
    """The training loop."""

    renamed = {"accumulate": "micro_batches", "select": "monitor", "clip": "gradient_clip_norm"}

    epochs: int = param(10, help="passes over the plan", unit="epochs", ge=1)
    batch_size: int = param(
        128, help="most rows an optimiser step; batches differ by one row at most", unit="rows", ge=1
    )
    micro_batches: int = param(
        1, help="parts that a batch is split into to save memory; the results stay the same", ge=1
    )
    optimizer: OptimizerSettings = param(OptimizerSettings(), help="optimiser")
    schedule: ScheduleSettings = param(ScheduleSettings(), help="learning-rate schedule")
    monitor: str = param("balanced_accuracy", help="validation metric whose best epoch is kept, or 'last'")
    early_stopping: EarlyStopping | None = param(None, help="stop early by the monitored metric")
    freeze_epochs: int = param(
        0,
        help="first epochs of the final training that train the head alone; all for a linear probe",
        unit="epochs",
        ge=0,
    )
    gradient_clip_norm: float | None = param(
        None, help="largest norm of the gradient; longer ones are scaled down (default: none)", gt=0
    )
    sam: SAMSettings | None = param(None, help="sharpness-aware minimisation (default: none)")
    ema: float | None = param(None, help="decay of an exponential moving average of the weights", gt=0, lt=1)
    precision: Literal["fp32", "bf16", "fp16"] = param("fp32", help="number format of the network")
    channels_last: bool = param(True, help="keep images with channels last in memory")
    compile: bool = param(False, help="compile the network with torch.compile")
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = param("auto", help="where to train")
    devices: int | Literal["auto"] = param(
        1, help="processes a machine, one a device; auto: as torchrun or srun started, else all GPUs"
    )
    nodes: int | Literal["auto"] = param(
        1, help="machines, started by torchrun or srun; auto: as many as were started, also after one is lost"
    )
    threads: int | None = param(None, help="CPU threads a process (default: torch's)", ge=1)

    @field_validator("devices", "nodes")
    @classmethod
    def _one_or_more(cls, value: int | str, info: ValidationInfo) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError(f"expected 1 or more {info.field_name}, got {value}")
        return value


class DeferredSettings(Settings):
    """Another loss or order for the end of the training (Cao et al. 2019: DRW and DRS); weights and optimiser go on."""

    start: float | None = param(
        None,
        help="share of the epochs after which it begins (default: where a step or multistep schedule first drops, else 0.8)",
        gt=0,
        lt=1,
    )
    loss: LossRef | None = param(None, help="the loss from then on (default: as before)")
    order: OrderRef | None = param(None, help="the order from then on (default: as before)")

    @model_validator(mode="after")
    def _something(self) -> DeferredSettings:
        if self.loss is None and self.order is None:
            raise PydanticCustomError("nothing_deferred", "expected a loss, an order or both, got neither")
        return self

    def first_epoch(self, training: TrainingSettings) -> int:
        """The first epoch, from 0, that it holds for."""
        return deferral_start(self.start, training)


def deferral_start(start: float | None, training: TrainingSettings) -> int:
    """The first epoch, from 0, of what `deferred.start` defers."""
    if start is not None:
        return max(1, round(start * training.epochs))
    drops = training.schedule.drops
    return round(drops[0]) if drops else max(1, min(round(0.8 * training.epochs), training.epochs - 1))


class PredictSettings(Settings):
    """How a picture is predicted by the network that was trained."""

    views: Literal["none", "flips", "dihedral"] = param(
        "none",
        help="mirrored and turned views whose probabilities are averaged: none; the 4 of flips in both directions; all 8 of a "
        "square (those, and each turned by a quarter)",
    )


class LoggingSettings(Settings):
    """What is written beside log.jsonl."""

    tensorboard: bool = param(False, help="write TensorBoard event files into the run folder")
    decision: bool = param(
        False,
        help="with the metrics of each epoch also those at the decision (calibration, threshold) fitted on its validation rows",
    )
    mlflow: bool = param(False, help="send the run to MLflow, at MLFLOW_TRACKING_URI")
    wandb: bool = param(False, help="send the run to Weights & Biases, or keep it for that with WANDB_MODE=offline")

    @model_serializer(mode="wrap")
    def _without_what_is_off(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without keys that came later and are off, so that recipes of before keep their text and hash."""
        return {key: value for key, value in handler(self).items() if value or key == "tensorboard"}


_WHERE_ON = ("inputs",)


class Recipe(Settings):
    """A whole recipe. Everything but `data` has a default."""

    description: str = param("", help="what the recipe is for")
    seed: int = param(0, help="seed of samplers, initial weights and training", ge=0)
    data: DatasetRef = param(help="where the samples come from")
    positive: ClassName | None = param(
        None,
        help="the class of interest: of two (default: the smaller), or one of more against the rest (default: none)",
    )
    images: ImageSettings = param(ImageSettings(), help="how files become pixels")
    split: SplitSettings = param(SplitSettings(), help="train, validation and test")
    samplers: list[SamplerRef] = param([], help="what is done to the training rows, in order")
    augment: list[AugmentationRef] = param([], help="random online augmentation, in order")
    backbone: BackboneRef = param("small_cnn", help="the network under the head", validate_default=True)
    head: HeadRef = param("linear", help="the classifier on the backbone's features", validate_default=True)
    inputs: InputSettings | None = param(None, help="table columns as inputs beside the image (default: none)")
    loss: LossRef = param("ce", help="what training minimises", validate_default=True)
    order: OrderRef = param("natural", help="which rows of the plan an epoch visits", validate_default=True)
    mixer: MixerRef | None = param(None, help="mixtures of two rows (default: none)")
    deferred: DeferredSettings | None = param(None, help="another loss or order for the end of the training")
    stages: list[StageRef] = param([], help="what follows the training, in order, such as a new head on a frozen body")
    training: TrainingSettings = param(TrainingSettings(), help="the training loop")
    predict: PredictSettings = param(PredictSettings(), help="how the trained network predicts")
    decision: DecisionSettings = param(None, help="calibration and threshold, from validation", validate_default=True)
    metrics: list[MetricRef] | None = param(None, help="metrics of the evaluation (default: all that are installed)")
    evaluation: EvaluationSettings = param(EvaluationSettings(), help="intervals, subgroups and prevalences")
    export: list[ExporterRef] = param([], help="model files to write at the end")
    launcher: LauncherRef = param("local", help="what runs the folds of a cross-validation", validate_default=True)
    logging: LoggingSettings = param(LoggingSettings(), help="logs beside log.jsonl")
    card: ModelCardSettings = param(ModelCardSettings(), help="what only people know of the model, for its report")

    @field_validator("decision", mode="before")
    @classmethod
    def _decision(cls, value: Any, info: Any) -> Any:
        return DecisionSettings.model_validate({}, context=info.context) if value is None else value

    @model_serializer(mode="wrap")
    def _without_what_is_off(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keys that came later are written only where they are on, so that recipes of before keep their text and hash."""
        found: dict[str, Any] = handler(self)
        return {key: value for key, value in found.items() if value is not None or key not in _WHERE_ON}

    @property
    def heads(self) -> list[Head]:
        """The head that each stage meets, in order, and the one that the network has in the end."""
        found = [self.head]
        for stage in self.stages:
            found.append(stage.head_after(found[-1]))
        return found

    @property
    def first_epoch(self) -> int:
        """The first epoch, from 0, of the loss and order that the main training ends with: after a deferral and a warm-up."""
        deferred, epochs = self.deferred, self.training.epochs
        if deferred is None:
            return self.loss.first_epoch(epochs)
        return max(deferred.first_epoch(self.training), (deferred.loss or self.loss).first_epoch(epochs))

    def to_yaml(self) -> str:
        """The resolved recipe: every parameter, defaults too."""
        return yaml_text(self.model_dump(mode="json"))

    @property
    def hash(self) -> str:
        """12 hex digits that stand for every parameter of the recipe."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write the resolved recipe. Raises WriteError."""
    write_text(path, recipe.to_yaml())
