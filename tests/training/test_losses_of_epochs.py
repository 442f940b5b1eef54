"""Losses that know the epoch, and losses that see features: how the loop calls them."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Cosine, Linear
from imbalkit.builtin.losses import LDAM, VS
from imbalkit.builtin.mixers import Mixup
from imbalkit.functional.ldam import LDAM as Margins
from imbalkit.kinds import Loss
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer


class Influence(Loss):
    """Cross entropy over the product of error and length of the features (Park et al. 2021), from the second half on."""

    name = "influence"
    seen: ClassVar[list] = []

    def build(self, context):
        seen = self.seen

        class Module(nn.Module):
            needs_features = True

            def __init__(self):
                super().__init__()
                self.epochs = context.epochs

            def epoch_started(self, epoch):
                self.epoch = epoch

            def forward(self, logits, targets, features):
                seen.append((self.epoch, self.epochs, tuple(features.shape), features.dtype, features.requires_grad))
                rows = nn.functional.cross_entropy(logits, targets, reduction="none")
                if self.epoch < self.epochs / 2:
                    return rows
                error = (logits.softmax(1) - nn.functional.one_hot(targets, logits.shape[1])).abs().sum(1)
                return rows / (error.detach() * features.detach().abs().sum(1) + 1e-3)

        return Module()


@pytest.fixture
def trainer(images, tmp_path):
    def make(folder="a", head=None, **settings):
        settings = TrainingSettings(**{"epochs": 4, "batch_size": 16, "accelerator": "cpu"} | settings)
        fabric = Fabric(accelerator="cpu", devices=1)
        session = TrainingSession(fabric, images, settings, 3, head or Linear(dropout=0.0), positive=1)
        return Trainer(session, tmp_path / folder)

    return make


@pytest.mark.parametrize("mixer", [None, Mixup()], ids=["plain", "mixed"])
@pytest.mark.parametrize("parts", [1, 2])
def test_features_and_the_epoch_reach_the_loss(trainer, plan, mixer, parts):
    Influence.seen.clear()
    backbone = SmallCNN(width=8, norm="group")
    trainer(micro_batches=parts).fit("final", plan, backbone, Influence(), 4, mixer=mixer)
    calls = 3 * parts * (1 if mixer is None else 2)
    assert [epoch for epoch, *_ in Influence.seen] == [epoch for epoch in range(4) for _ in range(calls)]
    width = backbone.build(trainer().session.context(plan, "final")).num_features
    for _, epochs, shape, dtype, with_gradient in Influence.seen:
        assert (epochs, shape[1], dtype, with_gradient) == (4, width, torch.float32, True)
    assert sum(shape[0] for _, _, shape, _, _ in Influence.seen) == 4 * 48 * (1 if mixer is None else 2)


class Watched(VS):
    """vs that notes in which epochs it was plain."""

    name = "watched"
    seen: ClassVar[list] = []

    def build(self, context):
        module = super().build(context)
        module.register_forward_hook(lambda module, *_: self.seen.append(module.is_plain))
        return module


def test_warm_up_lasts_its_share_of_the_epochs_and_through_a_resume(trainer, plan):
    Watched.seen.clear()
    backbone, loss = SmallCNN(width=8), Watched(warm_up=0.5)
    whole = trainer().fit("final", plan, backbone, loss, 4).model
    assert Watched.seen == [True] * 6 + [False] * 6

    stopped = trainer("b")

    def stop(stage, epoch, values):
        if epoch == 3:
            raise KeyboardInterrupt

    stopped.epoch_finished = stop
    with pytest.raises(KeyboardInterrupt):
        stopped.fit("final", plan, backbone, loss, 4)
    resumed = trainer("b").fit("final", plan, backbone, loss, 4).model
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_ldam_takes_the_scale_of_the_head(trainer, plan, monkeypatch):
    scales = []
    init = Margins.__init__
    monkeypatch.setattr(
        Margins, "__init__", lambda self, m, scale, *a, **k: scales.append(scale) or init(self, m, scale, *a, **k)
    )
    values = []
    run = trainer(head=Cosine(scale=12.0, dropout=0.0), epochs=12)
    run.epoch_finished = lambda stage, epoch, found: values.append(found["loss"])
    run.fit("final", plan, SmallCNN(width=8), LDAM(), 12)
    assert scales == [12.0]
    assert values[-1] < 0.5 * values[0]
