"""The chosen epoch: the best on validation; epochs without a value of the metric neither win nor count for early stopping."""

from __future__ import annotations

import pytest
from torch import nn

from imbalkit.recipe.recipe import TrainingSettings
from imbalkit.training.monitor import Monitor


def watched(values, higher=True, patience=2, min_delta=0.0):
    settings = TrainingSettings(monitor="roc_auc", early_stopping={"patience": patience, "min_delta": min_delta})
    monitor, stopped = Monitor(settings, higher), []
    for epoch, value in enumerate(values, start=1):
        monitor.update(epoch, {"roc_auc": value}, nn.Linear(1, 1))
        stopped.append(monitor.stopped)
    return monitor, stopped


@pytest.mark.parametrize(
    ("values", "best", "stopped"),
    [
        ([0.5, 0.7, 0.6, 0.7], 2, [False, False, False, True]),
        ([None] * 4, 0, [False] * 4),
        ([None, None, 0.5, None, 0.4], 3, [False, False, False, False, True]),
        ([{"a": 0.9, "b": 0.1}, {"a": 0.4, "b": 0.3}, {"a": 0.8, "b": None}], 3, [False] * 3),
    ],
)
def test_the_best_epoch_and_the_last_one(values, best, stopped):
    monitor, found = watched(values)
    assert (monitor.best_epoch, found) == (best, stopped)


def test_small_improvements_are_kept_and_do_not_put_off_the_stop():
    monitor, stopped = watched([0.5, 0.55, 0.58], patience=2, min_delta=0.1)
    assert (monitor.best_epoch, stopped) == (3, [False, False, True])
    monitor, stopped = watched([0.5, 0.55, 0.65, 0.66, 0.67], patience=2, min_delta=0.1)  # the third is an improvement
    assert (monitor.best_epoch, stopped) == (5, [False, False, False, False, True])
    again = Monitor(monitor.settings, higher_is_better=True)
    again.load(monitor.state())
    assert (again.improved, again.improved_epoch) == (monitor.improved, monitor.improved_epoch)


def test_lower_is_better():
    assert watched([0.5, 0.3, 0.4], higher=False)[0].best_epoch == 2
