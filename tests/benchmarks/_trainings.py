"""The trainings that `training_speed` compares: each yields when it is ready, then after each epoch, the first from files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from imbalkit_melanoma.mobilenet import MobileNetV1
from lightning_fabric import Fabric
from torch import nn

from imbalkit.builtin.backbones import Timm
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.data.cache import available_cores
from imbalkit.data.keeping import open_store
from imbalkit.engine.allocator import freed_memory_kept
from imbalkit.kinds import Backbone, BuildContext
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import OptimizerSettings, TrainingSettings
from imbalkit.training.classifier import build_model
from imbalkit.training.device_images import place
from imbalkit.training.fit import Fit
from imbalkit.training.optimization import build_optimizer
from imbalkit.training.phase import Phase
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer
from imbalkit_lite.folders import list_images
from imbalkit_lite.images import ImageRule

ALL = ("timm", "timm_channels_last", "fastai", "random_tensors")
RATE = OptimizerSettings().lr


@dataclass(frozen=True)
class Setting:
    """What all trainings share."""

    device: torch.device
    backbone: Backbone
    size: int  # px
    batch: int
    bf16: bool

    @classmethod
    def of_cpu(cls) -> Setting:
        return cls(torch.device("cpu"), MobileNetV1(), 128, 64, bf16=False)

    @classmethod
    def of_gpu(cls) -> Setting:
        return cls(torch.device("cuda"), Timm(model="efficientnet_b0"), 224, 128, bf16=True)

    def model(self) -> nn.Module:
        """Normalisation, body, dropout and head."""
        context = BuildContext(("other", "melanoma"), (1, 1), 1, (self.size, self.size))
        return build_model(self.backbone, Linear(), context).to(self.device)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)


def imbalkit(root: Path, setting: Setting, epochs: int) -> Iterator[None]:
    """A recipe's training, with a new cache."""
    yield
    names = list_images(root)
    labels = np.array([name.startswith("melanoma") for name in names], dtype=np.int64)
    fabric = Fabric(accelerator=setting.device.type, devices=1, precision="bf16-mixed" if setting.bf16 else "32-true")
    settings = TrainingSettings(epochs=epochs, batch_size=setting.batch)
    plan = Plan.from_labels(labels, ("other", "melanoma"))
    with freed_memory_kept(), tempfile.TemporaryDirectory() as folder:
        host = open_store([str(root / name) for name in names], None, ImageRule((setting.size, setting.size)), folder)
        images = place(host, fabric.device, 0.5)
        session = TrainingSession(fabric, images, settings, seed=0, head=Linear(dropout=0.2), positive=1)
        network = Trainer(session, Path(folder)).network("final", plan, setting.backbone)
        fit = Fit.build(session, "final", plan, network, [Phase(CE())], epochs)
        for _ in range(epochs):
            fit.train_epoch()
            yield


def timm(
    root: Path, setting: Setting, epochs: int, layout: torch.memory_format = torch.contiguous_format
) -> Iterator[None]:
    """As timm's train.py does it: ImageFolder, its loader with a worker a core, its augmentation off."""
    from timm.data import create_dataset, create_loader

    yield
    model = setting.model().to(memory_format=layout).train()
    optimizer, schedule = parts(model, epochs * 10_000)
    gpu = setting.device.type == "cuda"
    loader = create_loader(
        create_dataset("torch/image_folder", str(root)),
        input_size=(3, setting.size, setting.size),
        batch_size=setting.batch,
        is_training=True,
        no_aug=True,
        use_prefetcher=gpu,
        mean=(0, 0, 0),
        std=(1, 1, 1),  # the network normalises
        num_workers=available_cores(),
        device=setting.device,
        persistent_workers=True,
        pin_memory=gpu,
    )
    for _ in range(epochs):
        for images, labels in loader:
            images = images.to(setting.device, memory_format=layout)
            with setting.autocast():
                loss = nn.functional.cross_entropy(model(images), labels.to(setting.device))
            step(loss, optimizer, schedule)
        yield


def timm_channels_last(root: Path, setting: Setting, epochs: int) -> Iterator[None]:
    """The same with `--channels-last`."""
    return timm(root, setting, epochs, torch.channels_last)


def fastai(root: Path, setting: Setting, epochs: int) -> Iterator[None]:
    """fastai's Learner and data loaders with a worker a core, no augmentation, no validation, no progress bar."""
    from fastai.callback.core import Callback, CancelValidException
    from fastai.callback.fp16 import MixedPrecision
    from fastai.data.transforms import IntToFloatTensor
    from fastai.learner import Learner
    from fastai.vision.augment import Resize, ResizeMethod
    from fastai.vision.data import ImageDataLoaders

    class TrainOnly(Callback):
        def before_validate(self) -> None:
            raise CancelValidException

    yield
    loaders = ImageDataLoaders.from_folder(
        root,
        valid_pct=1.5 / len(list_images(root)),  # one image: it cannot do without
        seed=0,
        item_tfms=Resize(setting.size, ResizeMethod.Squish),
        batch_tfms=[IntToFloatTensor()],
        bs=setting.batch,
        num_workers=available_cores(),
        device=setting.device,
        drop_last=False,
    )
    callbacks = [TrainOnly()] + ([MixedPrecision(amp_mode="bf16")] if setting.bf16 else [])
    learner = Learner(loaders, setting.model(), loss_func=nn.CrossEntropyLoss(), lr=RATE, cbs=callbacks)
    with learner.no_bar(), learner.no_logging():
        for _ in range(epochs):
            learner.fit(1)
            yield


def random_tensors(root: Path, setting: Setting, epochs: int) -> Iterator[None]:
    """The network alone: one batch of random floats on the device, again and again, in the fastest layout."""
    yield
    model = setting.model().to(memory_format=torch.channels_last).train()
    optimizer, schedule = parts(model, epochs * 10_000)
    rows = len(list_images(root))
    shape = (setting.batch, 3, setting.size, setting.size)
    images = torch.rand(shape, device=setting.device).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (setting.batch,), device=setting.device)
    for _ in range(epochs):
        for part in np.array_split(np.arange(rows), -(-rows // setting.batch)):
            with setting.autocast() if setting.bf16 else nullcontext():
                loss = nn.functional.cross_entropy(model(images[: len(part)]), labels[: len(part)])
            step(loss, optimizer, schedule)
        yield


def parts(model: nn.Module, steps: int) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimizer = build_optimizer(model, OptimizerSettings())
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps, cycle_momentum=False)


def step(loss: torch.Tensor, optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    schedule.step()
