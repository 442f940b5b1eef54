"""What a report warns of."""

from __future__ import annotations

import numpy as np
import pytest

from imbalkit.report.cautions import cautions
from imbalkit.report.context import gather
from imbalkit.runs.results import RunData
from tests.report.made_up import run_of, scored


@pytest.fixture
def found(tmp_path):
    """The warnings of a made-up run, by their head."""

    def go(n=2000, positives=300, groups="each", validation=800, **options):
        labels, logits = scored(n, positives)
        groups = np.arange(n).astype(str) if isinstance(groups, str) else groups
        folder = run_of(tmp_path / "run", labels, logits, groups=groups, validation=validation, **options)
        # The validation rows of a made-up run are test rows too: give them groups of their own.
        frame = RunData.load(folder).predictions
        if groups is not None and options.get("shared") is None:
            own = frame["split"] == "validation"
            frame.loc[own, "group"] = "v" + frame.loc[own, "group"].astype(str)
            frame.to_parquet(folder / "predictions.parquet")
        return {caution.head: caution for caution in cautions(gather(folder, None, None))}

    return go


def test_a_large_grouped_calibrated_run_has_none(found):
    assert not {head for head in found() if "Probabilities" not in head}


@pytest.mark.parametrize(("positives", "grave"), [(99, False), (29, True), (100, None)])
def test_few_positive_rows(found, positives, grave):
    warnings = found(positives=positives)
    head = f"Only {positives} test rows of melanoma"
    assert (head in warnings) == (grave is not None)
    if grave is not None:
        assert warnings[head].grave is grave
        assert f"by {100 / positives:.1f} percentage points" in warnings[head].text


@pytest.mark.parametrize(("positives", "warned"), [(19, True), (20, False)])
def test_intervals_from_few_rows(found, positives, warned):
    head = f"Intervals rest on {positives} test rows of melanoma"
    warnings = found(positives=positives)
    assert (head in warnings) == warned
    if warned:
        assert "partial AUC in 82" in warnings[head].text


def test_intervals_from_few_groups(found):
    labels, _ = scored(2000, 300)
    groups = np.where(labels == 1, np.cumsum(labels) // 60, 10 + np.arange(2000) // 2).astype(str)
    assert any(
        head.startswith("Intervals rest on") and "test groups of melanoma" in head for head in found(groups=groups)
    )


def test_intervals_from_few_rows_of_many_classes(tmp_path):
    labels = np.concatenate([np.repeat(np.arange(9), 3), np.full(60, 9)])
    folder = run_of(
        tmp_path / "run", labels, np.random.default_rng(0).normal(size=(len(labels), 10)),
        classes=tuple("abcdefghij"), positive=None, threshold=None,
    )  # fmt: skip
    (head,) = [c.head for c in cautions(gather(folder, None, None)) if c.head.startswith("Intervals rest on")]
    assert "3 test rows of a" in head
    assert head.endswith("and fewer than 20 of 3 other classes")


def test_no_validation_rows(found):
    warnings = found(validation=0, positives=99)
    assert warnings["No validation rows"].grave
    assert list(warnings)[:2] == ["No validation rows", "Only 99 test rows of melanoma"]  # the gravest come first


def test_a_threshold_from_few_rows(found):
    warnings = found(validation=200)
    (head,) = [head for head in warnings if head.startswith("Threshold chosen on")]
    assert "rows of melanoma" in head


def test_no_groups(found):
    assert "imbalkit leaks" in found(groups=None)["Independence of rows is unknown"].text


def test_groups_on_both_sides(found):
    warnings = found(shared=True, validation=100)
    assert "100 groups of test rows" in warnings["Groups in several splits"].text
    assert warnings["Groups in several splits"].grave


def test_parts_that_correct_twice_and_notes_and_bad_images(found):
    bad = [{"index": 3, "path": "/a/b/c.png", "reason": "not an image"}]
    prior = {"warnings": ["melanoma: a and b correct the same imbalance"], "entries": []}
    warnings = found(prior=prior, notes=["the threshold is 0.5"], bad_images=bad)
    assert warnings["The imbalance is corrected more than once"].text == "Melanoma: a and b correct the same imbalance."
    assert warnings["Note"].text == "The threshold is 0.5."
    assert "c.png" in warnings["1 image left out"].text
    assert "/a/b" not in warnings["1 image left out"].text


def test_probabilities_that_are_off(tmp_path):
    random = np.random.default_rng(0)
    logits = np.stack([np.zeros(4000), random.normal(-2, 1.5, 4000)], axis=1)
    labels = (random.random(4000) < 1 / (1 + np.exp(-logits[:, 1]))).astype(np.int64)  # as probable as they say
    for shift, warned in ((0.0, False), (3.0, True)):
        folder = run_of(tmp_path / str(shift), labels, logits + np.array([0, shift]))
        heads = [caution.head for caution in cautions(gather(folder, None, None))]
        assert ("Probabilities are poorly calibrated" in heads) == warned


def test_classes_without_positive(tmp_path):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [300, 40, 20])
    folder = run_of(
        tmp_path / "run",
        labels,
        random.normal(size=(360, 4)),
        classes=("a", "b", "c", "d"),
        positive=None,
        threshold=None,
    )
    warnings = {caution.head: caution for caution in cautions(gather(folder, None, None))}
    assert "Fewer than 100 test rows of 2 classes, down to 20 of c" in warnings
    assert warnings["No test rows of d"].grave
