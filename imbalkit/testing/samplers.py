"""Checks of samplers: the plan they leave, the counts they preview, what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from imbalkit.base.randomness import generator
from imbalkit.errors import PlanError
from imbalkit.functional.features import standardised
from imbalkit.kinds import FeatureSampler, PriorShift, Sampler, ScoredSampler
from imbalkit.plan import Counts, Plan
from imbalkit.testing import Setting
from imbalkit.testing.common import title
from imbalkit_lite.columns import ColumnEncoding, NumberColumn

Answer = TypeVar("Answer")
AnyOf = Sampler | ScoredSampler | FeatureSampler
COLUMNS = ("key", "source", "label", "view")


def plan_of(counts: tuple[int, ...], classes: tuple[str, ...], seed: int = 0) -> Plan:
    """A plan with so many rows of each class, in mixed order, whose sources leave gaps as a split does."""
    labels = np.repeat(np.arange(len(counts)), counts)
    generator(seed, "labels").shuffle(labels)
    return Plan.from_labels(labels, classes, sources=np.arange(len(labels)) * 3 + 1, seed=seed)


def features_of(plan: Plan) -> np.ndarray:
    """Features of a plan's rows, float32 [n, 4], where classes overlap; copies of a row have its features."""
    of_source = generator(plan.seed, "features").normal(size=(int(plan.source.max(initial=0)) + 1, 4))
    return standardised(of_source[plan.source] + 1.5 * np.eye(4)[plan.label % 4])


def check_sampler(part: AnyOf, setting: Setting) -> None:
    """Every rule of kinds.Sampler, ScoredSampler or FeatureSampler, on the setting's plan and on awkward ones."""
    kinds = [isinstance(part, base) for base in (Sampler, ScoredSampler, FeatureSampler)]
    assert sum(kinds) == 1, (
        f"{title(part)}: expected a subclass of one of kinds.Sampler, kinds.ScoredSampler and kinds.FeatureSampler"
    )
    plan = plan_of(setting.counts, setting.classes, setting.seed)
    if isinstance(part, FeatureSampler) and part.makes_rows:
        _check_made(part, plan)
        return
    try:
        after = _step(part, plan)
    except PlanError as error:
        raise AssertionError(
            f"{title(part)}: refuses the checks' plan {plan.counts()}; give a setting: {error}"
        ) from error
    others = {
        "a third class": plan_of((*setting.counts, 7), (*setting.classes, "another"), setting.seed),
        "a class without rows": plan_of((*setting.counts, 0), (*setting.classes, "another"), setting.seed),
        "one row a class": plan_of((1,) * len(setting.counts), setting.classes, setting.seed),
        "a majority that is no longer the largest": replace(plan, majority=int(np.argmin(setting.counts))),
        "copies and dropped rows": plan.append(np.arange(0, len(plan), 2)).drop(np.arange(0, len(plan), 3)),
        "its own result": after,
    }
    for rows in [plan, *others.values()]:
        _check_plan(part, rows)
    if isinstance(part, ScoredSampler):
        _check_scores(part, plan)
    if isinstance(part, FeatureSampler):
        _check_features(part, plan)


def _check_made(part: FeatureSampler, plan: Plan) -> None:
    """Rows that a sampler makes: of the columns' width, finite, the same again, and as many as `preview` foresees."""
    who, features = title(part), features_of(plan)
    encoding = ColumnEncoding((NumberColumn("a", 0.0, 1.0), NumberColumn("b", 0.0, 1.0)))
    columns = np.column_stack([features[:, :1], np.zeros(len(plan)), features[:, 1:2], np.zeros(len(plan))])
    columns = columns.astype(np.float32)
    assert not part.check_columns([], ["a", "b"]), f"{who}: expected to take columns of numbers"

    def made() -> tuple[Plan, np.ndarray, np.ndarray]:
        return part.make(plan, columns, encoding, generator(plan.seed, "sampler", part.name, 0))

    given = columns.copy()
    (kept, rows, labels), again = made(), made()
    assert np.array_equal(given, columns), f"{who}: `make` changed the columns it was given"
    same = all(
        np.array_equal(one, other)
        for one, other in zip((kept.key, rows, labels), (again[0].key, *again[1:]), strict=True)
    )
    assert same, f"{who}: two calls with the same seed make different rows"
    assert rows.dtype == np.float32, f"{who}: made rows must be float32, got {rows.dtype}"
    assert rows.shape == (len(labels), columns.shape[1]), (
        f"{who}: made rows [m, W] and labels [m], got {rows.shape}, {labels.shape}"
    )
    assert np.isfinite(rows).all(), f"{who}: a made row is not finite"
    assert np.isin(kept.key, plan.key).all(), f"{who}: rows that stay must be rows of the plan"
    after = kept.add_samples(np.arange(len(rows)) + 10 * len(plan), labels)
    _check_preview(who, part.preview(Counts.of(plan)), after)
    shift = part.prior_shift(Counts.of(plan), Counts.of(after))
    assert not shift.exact, (
        f"{who}: prior_shift says exact, but made rows are not as likely within a class as the data's"
    )


def _step(part: AnyOf, plan: Plan, round: int = 0, scores: np.ndarray | None = None) -> Plan:
    """The plan after a round, by these scores or features (default: random ones)."""
    rng = generator(plan.seed, "sampler", part.name, round)
    if isinstance(part, Sampler):
        return part.resample(plan, rng)
    if isinstance(part, FeatureSampler):
        return part.resample(plan, features_of(plan) if scores is None else scores, rng)
    if scores is None:
        scores = generator(plan.seed, "scores", round).random(len(plan))
    return part.resample(plan, scores, rng, round)


def _preview(part: AnyOf, counts: Counts, round: int) -> Counts:
    return part.preview(counts, round) if isinstance(part, ScoredSampler) else part.preview(counts)


def _check_plan(part: AnyOf, plan: Plan) -> None:
    start = expected = Counts.of(plan)
    whole = _or_refusal(lambda: part.stage_counts(start))
    stages = len(part.stages)
    for round in range(stages):
        previewed = _or_refusal(lambda: _preview(part, expected, round))  # noqa: B023
        before = {name: getattr(plan, name).copy() for name in COLUMNS}
        after = _or_refusal(lambda: _step(part, plan, round))  # noqa: B023
        who = f"{title(part)} on counts {plan.counts()}" + (f" in round {round}" if stages > 1 else "")
        for name, column in before.items():
            assert np.array_equal(column, getattr(plan, name)), (
                f"{who}: `resample` changed the given plan's {name!r} column"
            )
        if after is None and previewed is not None and not previewed.is_exact:
            return  # whether a range is enough is only known then
        if after is None or previewed is None:
            refuses = "preview" if previewed is None else "resample"
            assert after is previewed, f"{who}: only `{refuses}` raises PlanError; both must refuse the impossible"
            return
        _check_rows(who, plan, after)
        _check_shift(who, part, plan, after)
        assert after == _step(part, plan, round), f"{who}: two calls with the same seed give different plans"
        _check_preview(who, previewed, after)
        plan, expected = after, previewed
    if whole is None:
        raise AssertionError(
            f"{title(part)} on counts {start.low}: `stage_counts` refuses a plan whose every round `resample` takes"
        )
    assert len(whole) == stages, f"{title(part)}: `stage_counts` gives {len(whole)} counts for {stages} stages"
    _check_preview(f"{title(part)} on counts {start.low} after all rounds", whole[-1], plan)


def _or_refusal(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except PlanError:
        return None


def _check_rows(who: str, before: Plan, after: Plan) -> None:
    assert isinstance(after, Plan), f"{who}: `resample` must return a Plan, got {type(after).__name__}"
    for name in COLUMNS:
        old, new = getattr(before, name), getattr(after, name)
        assert len(new) == len(after.key), f"{who}: column {name!r} has {len(new)} rows, `key` has {len(after.key)}"
        assert new.dtype == old.dtype, f"{who}: column {name!r} must stay {old.dtype}, got {new.dtype}"
    assert len(np.unique(after.key)) == len(after), (
        f"{who}: row keys are not unique; use Plan.append, which makes new ones"
    )
    foreign = np.setdiff1d(after.source, before.source)
    assert not len(foreign), (
        f"{who}: rows of sources {foreign[:5]} that are not in the plan (another part of the split?)"
    )
    assert after.view.max(initial=0) < len(after.views), f"{who}: a row refers to a view that the plan does not have"
    label = dict(zip(before.source.tolist(), before.label.tolist(), strict=True))
    wrong = [s for s, y in zip(after.source.tolist(), after.label.tolist(), strict=True) if label[s] != y]
    assert not wrong, f"{who}: the label of source {wrong[0]} changed"
    old = dict(zip(before.key.tolist(), zip(before.source.tolist(), before.view.tolist(), strict=True), strict=True))
    for key, source, view in zip(after.key.tolist(), after.source.tolist(), after.view.tolist(), strict=True):
        if key in old:
            same = old[key][0] == source and before.views[old[key][1]] == after.views[view]
            assert same, f"{who}: the row of key {key} is kept but became another (source or view)"
    for name in ("classes", "majority", "seed"):
        assert getattr(after, name) == getattr(before, name), f"{who}: the plan's {name!r} must not change"


def _check_shift(who: str, part: AnyOf, before: Plan, after: Plan) -> None:
    """What the sampler says of the class prior is true of the plan, as far as a plan can tell."""
    shift = part.prior_shift(Counts.of(before), Counts.of(after))
    assert isinstance(shift, PriorShift), f"{who}: prior_shift must return a PriorShift, got {type(shift).__name__}"
    assert shift.why.strip(), f"{who}: prior_shift must say why"
    if not shift.exact:
        return
    by = "a score" if isinstance(part, ScoredSampler) else "features"
    assert isinstance(part, Sampler), f"{who}: prior_shift says exact, but its rows go by {by} of the image"
    counts = zip(before.counts(), after.counts(), strict=True)
    factors = [new / old if old else 1.0 for old, new in counts]
    same = shift.factors is not None and np.allclose(shift.factors, factors)
    assert same, f"{who}: prior_shift says exact with factors {shift.factors}, `resample` makes {factors}"
    if before.view.any():
        return  # its rows had views already
    shares = np.zeros((len(after.classes), len(after.views)))
    np.add.at(shares, (after.label, after.view), 1)
    shares = shares[shares.sum(axis=1) > 0]
    shares = shares / shares.sum(axis=1, keepdims=True)
    assert np.ptp(shares, axis=0).max() < 1e-9, (
        f"{who}: prior_shift says exact, but classes have changed pictures in other shares, which a network can tell"
    )


def _check_preview(who: str, previewed: Counts, after: Plan) -> None:
    counts = after.counts()
    inside = all(low <= n <= high for low, n, high in zip(previewed.low, counts, previewed.high, strict=True))
    bounds = previewed.low if previewed.is_exact else tuple(zip(previewed.low, previewed.high, strict=True))
    assert inside, f"{who}: `preview` says {bounds}, `resample` gives {counts}"
    assert previewed.total in (None, len(after)), (
        f"{who}: `preview` says {previewed.total} rows in all, got {len(after)}"
    )
    assert previewed.majority == after.majority, f"{who}: `preview` changes the majority"


def _check_scores(part: ScoredSampler, plan: Plan) -> None:
    who = title(part)
    order = generator(plan.seed, "order").permutation(len(plan))
    mixed = replace(plan, **{name: getattr(plan, name)[order] for name in COLUMNS})
    tied = np.ones(len(plan))
    one, other = _step(part, plan, 0, tied), _step(part, mixed, 0, tied)
    assert set(one.key.tolist()) == set(other.key.tolist()), (
        f"{who}: with equal scores the rows that stay depend on their order; break ties by row key"
    )
    for what, scores in {"NaN": np.full(len(plan), np.nan), "one score too few": np.ones(len(plan) - 1)}.items():
        try:
            _step(part, plan, 0, scores)
        except PlanError:
            continue
        except Exception as error:
            raise AssertionError(f"{who}: {what} must raise PlanError, got {type(error).__name__}: {error}") from error
        raise AssertionError(f"{who}: {what} must raise PlanError, and was taken")


def _check_features(part: FeatureSampler, plan: Plan) -> None:
    who, features = title(part), features_of(plan)
    order = generator(plan.seed, "order").permutation(len(plan))
    mixed = replace(plan, **{name: getattr(plan, name)[order] for name in COLUMNS})
    given = features.copy()
    one, other = _step(part, plan, 0, features), _step(part, mixed, 0, features[order])
    assert np.array_equal(given, features), f"{who}: `resample` changed the features it was given"
    assert set(one.key.tolist()) == set(other.key.tolist()), (
        f"{who}: the rows that stay depend on their order; sort the rows by key first"
    )
    broken = {
        "NaN": np.full_like(features, np.nan),
        "one row too few": features[1:],
        "one number a row": features[:, 0],
    }
    for what, values in broken.items():
        try:
            _step(part, plan, 0, values)
        except PlanError:
            continue
        except Exception as error:
            raise AssertionError(f"{who}: {what} must raise PlanError, got {type(error).__name__}: {error}") from error
        raise AssertionError(f"{who}: {what} must raise PlanError, and was taken")
