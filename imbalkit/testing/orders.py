"""Checks of orders: which rows an epoch visits, and what they say of the class prior."""

from __future__ import annotations

from functools import partial

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.functional.prior import shares
from imbalkit.kinds import Order, PriorShift
from imbalkit.plan import Plan
from imbalkit.testing import Setting
from imbalkit.testing.common import title
from imbalkit.testing.samplers import plan_of

EPOCHS = 40


def check_order(part: Order, setting: Setting) -> None:
    """Every rule of kinds.Order, on the setting's plan, a plan of equal classes, one with an absent class, and a single row."""
    classes = len(setting.classes)
    plans = {
        "the setting's plan": setting.counts,
        "a plan of equal classes": (5,) * classes,
        "a plan without a class": (0, *(7,) * (classes - 1)),
        "a plan of one row": (1, *(0,) * (classes - 1)),
    }
    for what, counts in plans.items():
        _check(f"{title(part)}, {what}", part, plan_of(counts, setting.classes, setting.seed), setting)


def _check(who: str, part: Order, plan: Plan, setting: Setting) -> None:
    draws, counts = partial(generator, setting.seed, "order"), plan.counts()
    expected, before = part.epoch_rows(counts), plan.label.copy()
    visits = np.zeros(len(plan), dtype=np.int64)
    for epoch in range(EPOCHS):
        rows = part.rows(plan, epoch, EPOCHS, draws)
        positions = rows.dtype.kind in "iu" and rows.ndim == 1
        assert positions, f"{who}: expected positions [n] of whole numbers, got {rows!r:.60}"
        assert len(rows) == expected, f"{who}, epoch {epoch}: epoch_rows says {expected} rows, got {len(rows)}"
        assert not len(rows) or (rows.min() >= 0 and rows.max() < len(plan)), f"{who}: positions outside the plan"
        again = part.rows(plan, epoch, EPOCHS, draws)
        assert np.array_equal(rows, again), (
            f"{who}, epoch {epoch}: other rows at the second call: a resume would differ"
        )
        if part.visits_each_row_once:
            assert np.array_equal(np.sort(rows), np.arange(len(plan))), f"{who}: says that it visits each row once"
        visits += np.bincount(rows, minlength=len(plan))
    assert np.array_equal(plan.label, before), f"{who}: changed the plan"
    if len(plan) > 20:
        first, second = (part.rows(plan, epoch, EPOCHS, draws) for epoch in (0, 1))
        assert not np.array_equal(first, second), f"{who}: the same rows in the same order every epoch"
    _check_visits(who, part, counts, np.bincount(plan.label, weights=visits, minlength=len(counts)))
    shift = part.prior_shift(counts)
    assert isinstance(shift, PriorShift), f"{who}: prior_shift must return a PriorShift, got {type(shift).__name__}"
    assert shift.why.strip(), f"{who}: prior_shift must say why"
    if not shift.exact:
        return
    assert shift.factors is not None, f"{who}: prior_shift says exact, without factors"
    visited = np.bincount(plan.label, weights=visits, minlength=len(counts)) / visits.sum()
    said = shares(np.asarray(counts) * np.asarray(shift.factors))
    # An epoch rounds a class up or down; over the epochs less than one visit an epoch is left of that.
    assert np.allclose(visited, said, atol=2 / max(1, expected)), (
        f"{who}: prior_shift says exact with shares {said.tolist()}, `rows` visits {visited.tolist()}"
    )


def _check_visits(who: str, part: Order, counts: tuple[int, ...], visited: np.ndarray) -> None:
    """`class_visits` against what all epochs visited of each class, float [C]."""
    said = [part.class_visits(counts, epoch / (EPOCHS - 1)) for epoch in range(EPOCHS)]
    known = [visits for visits in said if visits is not None]
    if not known:
        return
    assert len(known) == EPOCHS, f"{who}: class_visits knows the rows of some epochs and not of others"
    assert all(np.isclose(sum(visits), part.epoch_rows(counts)) for visits in known), (
        f"{who}: class_visits must sum to epoch_rows, {part.epoch_rows(counts)}, got {list(map(sum, known))}"
    )
    # As below: rounding leaves less than a visit an epoch, draws of whole rows a little more.
    assert np.allclose(visited / EPOCHS, np.mean(known, axis=0), atol=2), (
        f"{who}: class_visits says {np.mean(known, axis=0).tolist()} rows an epoch, `rows` visits {(visited / EPOCHS).tolist()}"
    )
