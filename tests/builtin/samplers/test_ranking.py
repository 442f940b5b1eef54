"""`loss_rank` and `random_drop`: the paper's counts, ranking by a plain sort, ranges, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imbalkit.base.randomness import generator
from imbalkit.builtin.ops import HorizontalFlip, RadialBlur
from imbalkit.builtin.samplers import SAMPLERS, LossRank, Oversample, RandomDrop
from imbalkit.errors import PlanError
from imbalkit.kinds import ScoredSampler, random_rows
from imbalkit.plan import Counts, Plan
from tests.properties import examples

CLASSES = ("benign", "malignant")
REST = {"which": "highest", "warm_start": True}
BOTH = pytest.mark.parametrize("sampler", [LossRank, RandomDrop])


def plan_of(*counts, classes=CLASSES):
    labels = np.repeat(np.arange(len(counts)), counts)
    generator(3, "mix").shuffle(labels)
    return Plan.from_labels(labels, classes, sources=3 * np.arange(len(labels)))


def run(sampler, plan, seed=0):
    """All rounds, with random scores where there are scores."""
    if not isinstance(sampler, ScoredSampler):
        return sampler.resample(plan, generator(seed, "drop"))
    for round in range(sampler.rounds):
        scores = generator(seed, "scores", round).random(len(plan))
        plan = sampler.resample(plan, scores, generator(seed, "drop", round), round)
    return plan


def counts_after(sampler, counts):
    counts, steps = Counts.exact(CLASSES, counts), []
    for round in range(sampler.rounds):
        counts = sampler.after_round(counts, round)
        assert counts.is_exact
        steps.append(counts.low)
    return steps


@BOTH
def test_the_papers_cleaning(sampler):
    part = sampler(drop=6000, rounds=3, **REST)
    steps = [(20_033, 4_085), (14_033, 4_085), (8_033, 4_085)]
    assert counts_after(part, (26_033, 4_085)) == steps
    assert part.stage_counts(Counts.exact(CLASSES, (26_033, 4_085)))[-1].low == steps[-1]
    assert run(part, plan_of(26_033, 4_085)).counts() == steps[-1]
    assert counts_after(sampler(keep=[20_033, 14_033, 8_033], **REST), (26_033, 4_085)) == steps


@BOTH
def test_the_printed_last_round_names_its_classes(sampler):
    printed = {"benign": 5988, "malignant": 12}
    part = sampler(drop=[6000, 6000, 6000, printed], **REST)
    assert part.rounds == 4
    assert counts_after(part, (26_033, 4_085))[-1] == (2_045, 4_073)
    assert run(part, plan_of(26_033, 4_085)).counts() == (2_045, 4_073)
    assert run(sampler(drop=printed, **REST), plan_of(8_033, 4_085)).counts() == (2_045, 4_073)


def by_sorting(plan, scores, which, label, count):
    """Keys that a full sort drops: by score, then by key."""
    rows = [i for i in range(len(plan)) if label is None or plan.label[i] == label]
    sign = -1 if which == "highest" else 1
    rows.sort(key=lambda i: (sign * scores[i], plan.key[i]))
    return set(plan.key[rows[:count]].tolist())


@given(
    st.lists(st.sampled_from([0.0, -0.0, 0.5, 1.0, -2.0, 7.0, float("inf"), -float("inf")]), min_size=2, max_size=50),
    st.sampled_from(["highest", "lowest"]),
    st.booleans(),
    st.data(),
)
@examples(200)
def test_drops_what_a_full_sort_drops(scores, which, together, data):
    scores = np.array(scores, dtype=data.draw(st.sampled_from([np.float32, np.float64])))
    labels = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(scores), max_size=len(scores))))
    plan = Plan.from_labels(labels, CLASSES)
    plan = replace(plan, key=generator(0, "keys").permutation(plan.key))  # position says nothing of the key
    label = None if together else plan.majority
    most = len(plan) if together else plan.counts()[plan.majority]
    count = data.draw(st.integers(0, most - (most == len(plan))))
    part = LossRank(classes="all" if together else "majority", drop=count, which=which, warm_start=True)
    after = part.resample(plan, scores, generator(0, "x"))
    dropped = set(plan.key.tolist()) - set(after.key.tolist())
    assert dropped == by_sorting(plan, scores, which, label, count)


@given(st.data())
@examples(150)
def test_preview_bounds_hold_when_all_classes_are_ranked_together(data):
    counts = data.draw(st.lists(st.integers(0, 12), min_size=2, max_size=4).filter(sum))
    names = tuple(f"c{index}" for index in range(len(counts)))
    plan = plan_of(*counts, classes=names)
    total, word = len(plan), data.draw(st.sampled_from(["drop", "keep"]))
    amounts = []
    for _ in range(data.draw(st.integers(1, 3))):
        amounts.append(data.draw(st.integers(0, total - 1) if word == "drop" else st.integers(1, total)))
        total = total - amounts[-1] if word == "drop" else amounts[-1]
    sampler = data.draw(st.sampled_from([LossRank, RandomDrop]))
    part = sampler(classes="all", **{word: amounts}, **REST)
    foretold = part.stage_counts(Counts.of(plan))[-1]
    # Scores that favour one class reach the bounds.
    after = plan
    if sampler is LossRank:
        favoured = data.draw(st.integers(0, len(counts) - 1))
        for round in range(part.rounds):
            noise = generator(round, "noise").random(len(after))
            after = part.resample(after, noise - (after.label == favoured) * data.draw(st.integers(-2, 2)), None, round)
    else:
        after = run(part, plan)
    assert len(after) == foretold.total == total
    for low, count, high in zip(foretold.low, after.counts(), foretold.high, strict=True):
        assert low <= count <= high


def test_bounds_of_a_joint_ranking():
    counts = Counts.exact(CLASSES, (90, 10))
    after = LossRank(classes="all", drop=20, **REST).preview(counts)
    assert (after.low, after.high, after.total) == ((70, 0), (80, 10), 80)
    assert LossRank(classes="all", drop=20, rounds=2, **REST).stage_counts(counts)[-1].low == (50, 0)
    again = LossRank(classes="all", keep=60, **REST).preview(after)
    assert (again.low, again.high, again.total) == ((50, 0), (60, 10), 60)
    named = LossRank(drop=5, **REST).preview(after)
    assert (named.low, named.high, named.total) == ((65, 0), (75, 10), 75)
    unknown = replace(after, total=None)
    assert LossRank(classes="all", keep=60, **REST).preview(unknown).total == 60


@BOTH
def test_either_order_of_oversampling_and_ranking(sampler):
    copies = Oversample(views={"benign": [[HorizontalFlip()]], "malignant": [[RadialBlur()], [], [HorizontalFlip()]]})
    part = sampler(drop=30, rounds=2, **REST)
    plan = plan_of(100, 20)
    first = run(part, copies.resample(plan, generator(0, "copies")))
    assert first.counts() == (140, 80) == part.stage_counts(copies.preview(Counts.of(plan)))[-1].low
    last = copies.resample(run(part, plan), generator(0, "copies"))
    assert last.counts() == (80, 80) == copies.preview(part.stage_counts(Counts.of(plan))[-1]).low
    for after in (first, last):
        assert len(np.unique(after.key)) == len(after)


@BOTH
def test_the_majority_stays_that_of_the_source_rows(sampler):
    part = sampler(drop=[60, 30], **REST)
    assert run(part, plan_of(100, 50)).counts() == (10, 50)  # after round 1 the other class is the larger


def test_random_drop_is_random_seeded_and_even():
    plan = plan_of(40, 10)
    part = RandomDrop(drop=30)
    assert run(part, plan) == run(part, plan)
    stayed = np.concatenate([run(part, plan, seed).source for seed in range(800)])
    times = np.unique(stayed[np.isin(stayed, plan.source[plan.label == 0])], return_counts=True)[1]
    assert len(times) == 40
    assert abs(times - 200).max() < 62  # 5 standard deviations of a binomial


def test_random_rows_are_as_many_as_asked_even_with_equal_tickets():
    class Fixed:
        def integers(self, high, size, dtype):
            return np.array([5, 1, 5, 5, 9], dtype=dtype)

    rows = np.array([10, 20, 30, 40, 50])
    chosen = [random_rows(rows, count, Fixed()).tolist() for count in range(6)]
    assert chosen == [[], [20], [10, 20], [10, 20, 30], [10, 20, 30, 40], [10, 20, 30, 40, 50]]


def test_a_name_alone_swaps_the_control():
    recipe = {"classes": ["benign"], "drop": 5, "rounds": 2, "epochs": 3, **REST}
    both = [sampler.model_validate(recipe) for sampler in (LossRank, RandomDrop)]
    ours, control = (set(part.model_fields_set) for part in both)
    assert ours == control
    assert set(LossRank.model_fields) == set(RandomDrop.model_fields)


@BOTH
@pytest.mark.parametrize(
    ("parameters", "counts", "message"),
    [
        (
            {"drop": 60, "rounds": 2},
            (100, 9),
            r"round 2 of 2: class 'benign' has 40 rows, asked to drop 60; drop at most 40",
        ),
        ({"keep": 101}, (100, 9), r"round 1 of 1: class 'benign' has 100 rows, asked to keep 101; keep at most 100"),
        ({"drop": {"malignant": 10}}, (100, 9), "'malignant' has 9 rows, asked to drop 10"),
        ({"classes": "all", "drop": 110}, (100, 9), "109 rows in all, asked to drop 110"),
        ({"classes": "all", "drop": 109}, (100, 9), "no row would be left to train on; drop fewer"),
        ({"classes": "all", "keep": 110}, (100, 9), "109 rows in all, asked to keep 110"),
        ({"keep": 0}, (100, 0), "no row would be left to train on; keep more"),
        ({"drop": {"malignent": 1}}, (100, 9), "no class 'malignent'; did you mean 'malignant'"),
        ({"drop": 1, "classes": ["benine"]}, (100, 9), "no class 'benine'; did you mean 'benign'"),
    ],
)
def test_the_impossible_is_refused(sampler, parameters, counts, message):
    part = sampler(**parameters, **REST)
    with pytest.raises(PlanError, match=message):
        part.stage_counts(Counts.exact(CLASSES, counts))
    with pytest.raises(PlanError, match=message):
        run(part, plan_of(*counts))


@BOTH
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "expected either `drop` or `keep`, got neither"),
        ({"drop": 3, "keep": 4}, "expected either `drop` or `keep`, got both"),
        ({"drop": [3, 4], "rounds": 3}, "`drop` lists 2 rounds but `rounds` is 3"),
        ({"drop": {"benign": 1}, "classes": "all"}, "`drop` names the classes itself; leave `classes` out"),
        ({"keep": [1, {"benign": 1}], "classes": ["benign"]}, "`keep` names the classes itself"),
        ({"drop": -1}, "greater than or equal to 0"),
        ({"drop": "6000"}, r"expected a number of rows, a mapping.*or a list.*got '6000'"),
        ({"drop": []}, "at least 1 item"),
        ({"drop": [1, [2]]}, r"drop\.1\n +expected a number of rows or a mapping from classes to numbers; got \[2\]"),
        ({"drop": 1, "classes": "minority"}, "expected 'majority', 'all' or a list of classes; got 'minority'"),
        ({"drop": 1, "which": "biggest"}, "'highest' or 'lowest'"),
    ],
)
def test_parameters_are_checked(sampler, parameters, message):
    with pytest.raises(ValidationError, match=message) as caught:
        sampler.model_validate({**REST, **parameters})
    assert caught.value.error_count() == 1


@pytest.mark.parametrize("missing", ["which", "warm_start"])
def test_what_has_no_default_must_be_said(missing):
    stated = {key: value for key, value in REST.items() if key != missing}
    with pytest.raises(ValidationError, match=rf"{missing}\n +Field required"):
        LossRank(drop=1, **stated)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.full(12, np.nan), r"12 of 12 scores are NaN \(the first is of row 0\)"),
        (np.ones(11), r"one score for each of 12 rows, got shape \[11\]"),
        (np.ones((12, 1)), r"got shape \[12, 1\]"),
    ],
)
def test_scores_are_checked(scores, message):
    with pytest.raises(PlanError, match=message):
        LossRank(drop=1, **REST).resample(plan_of(9, 3), scores, generator(0, "x"))


def test_rounds_are_checked_and_scored_samplers_need_scores():
    part = LossRank(drop=1, rounds=2, **REST)
    with pytest.raises(PlanError, match="no round 2; rounds are 0 to 1"):
        part.resample(plan_of(9, 3), np.ones(12), generator(0, "x"), round=2)
    with pytest.raises(PlanError, match="loss_rank ranks rows by a model's score: call resample"):
        part.fit_resample(np.arange(4), [0, 0, 0, 1])


def test_random_drop_works_on_bare_labels():
    indices, y = RandomDrop(drop={"a": 2}).fit_resample(np.arange(6), list("aaaabb"))
    assert sorted(y) == list("aabb")
    assert (np.array(list("aaaabb"))[indices] == y).all()


def test_the_package_lists_its_samplers():
    names = [sampler.name for sampler in SAMPLERS]
    assert names == [
        "edited_nearest_neighbours", "imblearn", "loss_rank", "near_miss", "oversample", "random_drop", "random_over",
        "random_under", "tomek_links",
    ]  # fmt: skip
