"""Mixers in a training: which epochs they mix, whom with, and a training that is cut off."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from imbalkit.base.randomness import generator
from imbalkit.builtin.backbones import SmallCNN
from imbalkit.builtin.heads import Linear
from imbalkit.builtin.losses import CE
from imbalkit.builtin.mixers import CMO, BalancedMixup, CutMix, Mixup, Remix
from imbalkit.builtin.orders import Power, Progressive
from imbalkit.data.image_store import ArrayStore
from imbalkit.kinds import Mixer, Order
from imbalkit.plan import Plan
from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.session import TrainingSession
from imbalkit.training.trainer import Trainer

EPOCHS, COUNTS = 4, (40, 8)
PLAN = Plan.from_labels(np.random.default_rng(0).permutation(np.repeat((0, 1), COUNTS)), seed=1)


@pytest.fixture
def fit(tmp_path):
    """`fit(mixer, folder, stop_after=None)`: the weights and each epoch's training loss, of those trained in this call."""

    def train(mixer, folder="a", stop_after=None):
        settings = TrainingSettings(epochs=EPOCHS, batch_size=16, micro_batches=2, accelerator="cpu")
        pixels = np.random.default_rng(0).integers(0, 255, (len(PLAN), 8, 8, 1), dtype=np.uint8)
        fabric = Fabric(accelerator="cpu", devices=1)
        session = TrainingSession(fabric, ArrayStore(pixels), settings, 3, Linear(dropout=0.2), positive=1)
        trainer, losses = Trainer(session, tmp_path / folder), []

        def finished(stage, epoch, values):
            if stop_after is not None and epoch > stop_after:
                raise KeyboardInterrupt
            losses.append(values["loss"])

        trainer.epoch_finished = finished
        model = trainer.fit("final", PLAN, SmallCNN(width=8), CE(), EPOCHS, mixer=mixer).model
        return model.state_dict(), losses

    return train


class Watched(Mixer):
    """Mixes nothing, and notes the partners' labels of each part."""

    name = "watched"
    order: Order | None = None
    seen: ClassVar[list] = []

    @property
    def partners(self):
        return self.order

    def build(self, context):
        self.seen.clear()

        class Module(nn.Module):
            def forward(module, images, labels, partners, partner_labels, rng):
                self.seen.append(partner_labels.tolist())
                return images, torch.ones(len(labels))

        return Module()


OFF = [
    ({}, [0, 1, 2, 3]),
    ({"last_epochs_off": 1}, [0, 1, 2]),
    ({"first_epochs_off": 1}, [1, 2, 3]),
    ({"first_epochs_off": 1, "last_epochs_off": 2}, [1]),
]


@pytest.mark.parametrize("off, epochs", OFF)
def test_it_mixes_all_epochs_but_those_that_are_off(fit, off, epochs):
    for kind in (Mixup, CutMix, Remix, BalancedMixup, CMO):
        part = kind(**{"first_epochs_off": 0, "last_epochs_off": 0} | off)
        assert [epoch for epoch in range(EPOCHS) if part.mixes(epoch, EPOCHS)] == epochs
    fit(Watched(**off))
    assert len(Watched.seen) == len(epochs) * 3 * 2  # batches, and parts of each


def test_a_last_epoch_that_is_off_is_trained_on_the_rows_as_they_are(fit):
    """Up to there everything is as with the mixer on, to the bit."""
    on, off = fit(Mixup(), "on")[1], fit(Mixup(last_epochs_off=1), "off")[1]
    assert on[:3] == off[:3]
    assert on[3] != off[3]


@pytest.mark.parametrize("order", [Power(q=-1.0), Progressive()], ids=str)
def test_partners_come_in_the_second_order(fit, order):
    fit(Watched(order=order))
    drawn = partial(generator, 3, "partners", "final")
    expected = [PLAN.label[order.rows(PLAN, epoch, EPOCHS, drawn)] for epoch in range(EPOCHS)]
    assert np.concatenate(Watched.seen).tolist() == np.concatenate(expected).tolist()
    if order.name == "power":
        assert abs(np.mean(np.concatenate(Watched.seen)) - 40 / 48) < 0.02  # N_c^-1


@pytest.mark.parametrize(
    "mixer",
    [
        Mixup(last_epochs_off=1),
        CutMix(),
        Remix(),
        BalancedMixup(order=Progressive()),
        CMO(first_epochs_off=1, last_epochs_off=1, order=Power(q=-0.5)),
    ],
    ids=lambda mixer: mixer.name,
)
@pytest.mark.parametrize("epoch", [1, 3])
def test_a_training_cut_off_goes_on_as_if_it_had_not_been(fit, mixer, epoch):
    whole, losses = fit(mixer, "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(mixer, "cut", stop_after=epoch)
    resumed, rest = fit(mixer, "cut")
    assert rest == losses[epoch:]
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name
