"""The rules of samplers catch what they say, one broken sampler each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from imbalkit.builtin.ops import HorizontalFlip
from imbalkit.errors import PlanError
from imbalkit.kinds import PriorShift, checked_scores, highest
from imbalkit.plan import Counts
from imbalkit.testing import Setting, check_part
from tests.testing.parts import Half, Longest, TopThree, broken, check


def _in_place(self, plan, rng):
    plan.label[:1] = 1 - plan.label[:1]
    return Half.resample(self, plan, rng)


def _unseeded(self, plan, rng):
    return Half.resample(self, plan, np.random.default_rng())


def _foreign(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, source=after.source + np.uint32(1))


def _relabelled(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, label=np.roll(after.label, 1))


def _keys_twice(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, key=np.concatenate([after.key[:1], after.key[:-1]]))


def _wider(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, label=after.label.astype(np.int64))


def _new_majority(self, plan, rng):
    return replace(Half.resample(self, plan, rng), majority=1 - plan.majority)


def _another_row(self, plan, rng):
    after = Half.resample(self, plan, rng)
    return replace(after, key=np.sort(after.key)[::-1].copy())


def _one_fewer(self, counts):
    after = Half.preview(self, counts)
    return after.with_rows({1: (after.low[1] - 1, after.low[1] - 1)})


def _wrong_total(self, counts):
    return replace(Half.preview(self, counts), total=1)


def _exact(self, before, after):
    return PriorShift.of_counts(before, after, True, "as it says")


def _blurs(self, plan, rng):
    return plan.append(plan.rows_of(1), [(HorizontalFlip(),)])


def _one_more_each(self, counts):
    return counts.with_rows({1: (2 * counts.low[1], 2 * counts.high[1])})


def _refuses_few(self, plan, rng):
    if len(plan) < 40:
        raise PlanError("few rows")
    return Half.resample(self, plan, rng)


def _foretells_refusal(self, counts):
    if counts.total < 40:
        raise PlanError("few rows")
    return Half.preview(self, counts)


def _by_position(self, plan, scores, rng, round=0):
    checked_scores(scores, len(plan), self.name)
    self.preview(Counts.of(plan), 0)
    return plan.drop(np.argsort(-scores, kind="stable")[:3])


def _takes_nan(self, plan, scores, rng, round=0):
    return TopThree.resample(self, plan, np.nan_to_num(scores), rng, round)


def _other_error(self, plan, scores, rng, round=0):
    if np.isnan(scores).any():
        raise ZeroDivisionError
    return TopThree.resample(self, plan, scores, rng, round)


def _first_three(self, plan, features, rng):
    Longest.resample(self, plan, features, rng)
    return plan.drop(np.arange(3))


def _features_in_place(self, plan, features, rng):
    after = Longest.resample(self, plan, features, rng)
    features[:] = 0
    return after


def _unchecked(self, plan, features, rng):
    self.preview(Counts.of(plan))
    if np.isnan(features).any():
        raise PlanError("NaN")
    if len(features) != len(plan):
        raise IndexError("too few")
    return plan.drop(highest(features.sum(axis=1), plan.key, 3))


def _of_nan(self, plan, features, rng):
    return Longest.resample(self, plan, np.nan_to_num(features), rng)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Half, "`resample` changed the given plan's 'label' column", resample=_in_place),
        broken(Half, "two calls with the same seed give different plans", resample=_unseeded),
        broken(Half, "that are not in the plan", resample=_foreign),
        broken(Half, "the label of source .* changed", resample=_relabelled),
        broken(Half, "row keys are not unique", resample=_keys_twice),
        broken(Half, "column 'label' must stay uint16, got int64", resample=_wider),
        broken(Half, "plan's 'majority' must not change", resample=_new_majority),
        broken(Half, "is kept but became another", resample=_another_row),
        broken(Half, "must return a Plan, got list", resample=lambda self, plan, rng: []),
        broken(Half, r"`preview` says \(20, 8\), `resample` gives \(20, 9\)", preview=_one_fewer),
        broken(Half, "`preview` says 1 rows in all, got 29", preview=_wrong_total),
        broken(Half, "only `resample` raises PlanError", resample=_refuses_few),
        broken(
            Half,
            "only `preview` raises PlanError",
            preview=_foretells_refusal,
            resample=lambda self, plan, rng: Half().resample(plan, rng),
        ),
        broken(Half, "must return a PriorShift, got bool", prior_shift=lambda self, before, after: True),
        broken(Half, "prior_shift must say why", prior_shift=lambda self, b, a: PriorShift(None, False, " ")),
        broken(
            Half,
            "says exact with factors .*, `resample` makes",
            prior_shift=lambda s, b, a: PriorShift((1, 2), True, "x"),
        ),
        broken(Half, "says exact with factors None", prior_shift=lambda s, b, a: PriorShift(None, True, "x")),
        broken(TopThree, "but its rows go by a score", prior_shift=_exact),
        broken(Half, "changed pictures in other shares", prior_shift=_exact, resample=_blurs, preview=_one_more_each),
        broken(TopThree, "with equal scores the rows that stay depend on their order", resample=_by_position),
        broken(TopThree, "NaN must raise PlanError, and was taken", resample=_takes_nan),
        broken(Longest, "but its rows go by features", prior_shift=_exact),
        broken(Longest, "the rows that stay depend on their order", resample=_first_three),
        broken(Longest, "`resample` changed the features", resample=_features_in_place),
        broken(Longest, "one row too few must raise PlanError, got", resample=_unchecked),
        broken(Longest, "NaN must raise PlanError, and was taken", resample=_of_nan),
        broken(TopThree, "NaN must raise PlanError, got ZeroDivisionError", resample=_other_error),
    ],
)
def test_samplers(part, message):
    check(part, message)


def test_a_setting_that_a_sampler_refuses_is_said():
    with pytest.raises(AssertionError, match=r"refuses the checks' plan \(1, 1\); give a setting: nothing would stay"):
        check_part(Half, setting=Setting(counts=(1, 1)))
