"""Schedules of timm, step for step: against torch's, and where a deferred order has longer epochs."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.recipe.recipe import ScheduleSettings
from imbalkit.training.optimization import build_schedule

RATE = 0.5


def optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=RATE)


def rates(parts, name, **options):
    """The learning rate of each step, by epoch."""
    found, done = optimizer(), 0
    schedule = build_schedule(found, ScheduleSettings(name=name, options=options), parts)
    epochs = []
    for count, per_epoch in parts:
        for _ in range(count):
            epochs.append([])
            for _ in range(per_epoch):
                epochs[-1].append(found.param_groups[0]["lr"])
                done += 1
                schedule.step(done)
    return epochs


@given(st.integers(1, 5), st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True))
def test_milestones_are_those_of_torch(per_epoch, milestones):
    ours = rates([(10, per_epoch)], "multistep", decay_milestones=sorted(milestones), decay_rate=0.1)
    theirs = optimizer()
    schedule = torch.optim.lr_scheduler.MultiStepLR(theirs, milestones, gamma=0.1)
    for epoch in ours:
        assert epoch == pytest.approx([theirs.param_groups[0]["lr"]] * per_epoch)
        theirs.step()
        schedule.step()


@given(st.integers(1, 5), st.integers(1, 9))
def test_steps_are_those_of_torch(per_epoch, every):
    ours = rates([(10, per_epoch)], "step", decay_epochs=every, decay_rate=0.1)
    for number, epoch in enumerate(ours):
        assert epoch == pytest.approx([RATE * 0.1 ** (number // every)] * per_epoch)


@pytest.mark.parametrize("name, options", [("multistep", {"decay_milestones": [8]}), ("step", {"decay_epochs": 8})])
@pytest.mark.parametrize("parts", [[(8, 3), (2, 9)], [(8, 1), (2, 1)], [(8, 7), (2, 5)], [(3, 2), (7, 11)]])
def test_a_drop_comes_with_its_epoch_where_epochs_differ(name, options, parts):
    for number, epoch in enumerate(rates(parts, name, decay_rate=0.1, **options)):
        assert epoch == pytest.approx([RATE if number < 8 else RATE / 10] * len(epoch))


@pytest.mark.parametrize("parts", [[(10, 14)], [(8, 3), (2, 9)], [(2, 100), (3, 7)], [(100, 1)]])
def test_a_cosine_is_of_the_time_and_ends_with_the_last_step(parts):
    epochs = rates(parts, "cosine")
    for number, epoch in enumerate(epochs):
        times = [(number + step / len(epoch)) / len(epochs) for step in range(len(epoch))]
        assert epoch == pytest.approx([RATE / 2 * (1 + math.cos(math.pi * time)) for time in times])
        assert min(epoch) > 0


def test_warm_up_epochs_are_epochs():
    epochs = rates([(2, 4), (8, 10)], "cosine", warmup_epochs=2, warmup_prefix=True)
    assert epochs[0] == pytest.approx([RATE * step / 8 for step in range(4)], abs=1e-4)
    assert epochs[2][0] == pytest.approx(RATE)
