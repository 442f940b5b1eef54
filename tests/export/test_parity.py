"""What is measured between a network and a file, and what is too far."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import recall_score, roc_auc_score

from imbalkit.export.parity import Reference, Tolerance, changes, differences, flips, float_problems, limit_problems
from imbalkit.functional.metrics import softmax
from imbalkit.kinds import ExportLimits

AFFINE = np.array([0.8, 0.8]), np.array([0.5, -0.5])


def truth(rows=400, spread=1.0, affine=AFFINE, classes=("no", "yes"), positive=1):
    random = np.random.default_rng(0)
    labels = np.arange(rows) % len(classes)
    logits = spread * (random.normal(size=(rows, len(classes))) + np.eye(len(classes))[labels])
    probabilities = softmax(affine[0] * logits + affine[1])
    return Reference(logits, affine, probabilities, probabilities.argmax(axis=1), labels, classes, positive)


def test_equal_outputs_differ_by_nothing():
    known = truth()
    found = differences(known, known.probabilities, AFFINE[0] * known.logits[:64] + AFFINE[1])
    assert found["rows"] == 400
    assert found["largest_probability_difference"] == 0
    assert found["largest_logit_difference"] < 1e-12
    assert float_problems(found, "X", Tolerance()) == []


def test_logits_are_compared_before_calibration_and_up_to_a_constant_of_the_row():
    known = truth()
    moved = known.logits.copy()
    moved[3, 0] += 3e-4
    own = AFFINE[0] * moved + AFFINE[1] + np.random.default_rng(1).normal(size=(400, 1))
    found = differences(known, known.probabilities, own)
    assert found["largest_logit_difference"] == pytest.approx(1.5e-4, rel=1e-6)  # each of two is half the shift away
    assert float_problems(found, "LiteRT", Tolerance()) == [
        "LiteRT's logits before calibration differ by up to 0.00015, more than 0.0001"
    ]


def test_probabilities_must_be_within_1e_5():
    known = truth()
    far = known.probabilities + np.array([2e-5, -2e-5]) * (np.arange(400) == 7)[:, None]
    assert float_problems(differences(known, far, None), "ORT", Tolerance()) == [
        "ORT's probabilities differ by up to 2e-05, more than 1e-05"
    ]
    near = known.probabilities + 0.9e-5
    assert float_problems(differences(known, near, None), "ORT", Tolerance()) == []


def test_rows_that_are_all_saturated_say_nothing_without_logits():
    known = truth(spread=500.0)
    known = replace(known, probabilities=np.eye(2)[known.labels])
    found = differences(known, known.probabilities, None)
    assert found["rows_not_saturated"] == 0
    assert "says too little of its logits" in float_problems(found, "X", Tolerance())[0]
    shown = differences(known, known.probabilities, AFFINE[0] * known.logits + AFFINE[1])
    assert float_problems(shown, "X", Tolerance()) == []
    off = differences(known, known.probabilities, AFFINE[0] * known.logits * 1.001 + AFFINE[1])
    assert "logits before calibration differ" in float_problems(off, "X", Tolerance())[0]


def test_numbers_that_are_not_finite_are_a_problem():
    known = truth()
    broken = np.where(np.arange(400)[:, None] == 5, np.nan, known.probabilities)
    found = differences(known, broken, None) | changes(known, broken, known.decisions)
    assert "differ by up to nan" in float_problems(found, "X", Tolerance())[0]
    assert limit_problems(found | {"flips": flips(known, known.decisions)}, ExportLimits()) == [
        "probabilities are not finite"
    ]


def test_a_network_that_rounds_much_itself_is_allowed_four_times_that():
    known = truth()
    exact = known.logits.copy()
    exact[0, 0] += 1e-3
    allowed = Tolerance.of_rounding(known, exact)
    assert allowed.logit == pytest.approx(4 * 0.5e-3)
    scale, bias = AFFINE
    apart = np.abs(known.probabilities - softmax(scale * exact + bias)).max()
    assert allowed.probability == pytest.approx(4 * apart)
    assert Tolerance.of_rounding(known, known.logits) == Tolerance()


def test_changes_are_those_of_independent_figures():
    known = truth()
    random = np.random.default_rng(2)
    probabilities = softmax(np.log(known.probabilities) + random.normal(0, 0.4, known.probabilities.shape))
    decisions = (probabilities[:, 1] >= 0.4).astype(int)
    found = changes(known, probabilities, decisions)
    labels = known.labels
    for name, figure in {
        "auc": lambda p, d: roc_auc_score(labels, p[:, 1]),
        "sensitivity": lambda p, d: recall_score(labels, d),
        "specificity": lambda p, d: recall_score(labels, d, pos_label=0),
        "ece": lambda p, d: reference_ece(labels == 1, p[:, 1]),
    }.items():
        before, after = figure(known.probabilities, known.decisions), figure(probabilities, decisions)
        assert found[name]["network"] == pytest.approx(before), name
        assert found[name]["file"] == pytest.approx(after), name
        assert found[name]["change"] == pytest.approx(after - before), name
    assert flips(known, decisions) == {"rows": (n := int((decisions != known.decisions).sum())), "share": n / 400}


def reference_ece(hits, probabilities, bins=15):
    total = 0.0
    for low in np.arange(bins) / bins:
        inside = (probabilities >= low) & (probabilities < low + 1 / bins)
        if inside.any():
            total += inside.sum() * abs(hits[inside].mean() - probabilities[inside].mean())
    return total / len(hits)


def test_without_a_positive_class_figures_are_means_over_classes():
    known = truth(affine=(np.ones(3), np.zeros(3)), classes=("a", "b", "c"), positive=None)
    found = changes(known, known.probabilities, known.decisions)
    assert found["auc"]["network"] == pytest.approx(roc_auc_score(known.labels, known.probabilities, multi_class="ovr"))
    assert found["sensitivity"]["network"] == pytest.approx(
        recall_score(known.labels, known.decisions, average="macro")
    )
    assert found["specificity"] is None


def test_figures_that_are_not_defined_are_none():
    known = truth()
    alone = replace(known, labels=np.zeros(400, dtype=int))
    found = changes(alone, known.probabilities, known.decisions)
    assert found["auc"] is None
    assert found["sensitivity"] is None
    assert found["specificity"]["change"] == 0
    unlabelled = changes(replace(known, labels=None), known.probabilities, known.decisions)
    assert unlabelled == dict.fromkeys(("auc", "sensitivity", "specificity", "ece"))


@pytest.mark.parametrize("name", ["auc", "sensitivity", "ece"])
@pytest.mark.parametrize("sign", [1, -1])
def test_each_limit_holds_in_both_directions(name, sign):
    found = {"largest_probability_difference": 0.1, "flips": {"rows": 0, "share": 0.0}}
    found |= {other: {"network": 0.5, "file": 0.5, "change": 0.0} for other in ("auc", "sensitivity", "ece")}
    assert limit_problems(found, ExportLimits()) == []
    found[name] = {"network": 0.5, "file": 0.5 + sign * 0.021, "change": sign * 0.021}
    limits = ExportLimits(**{name: 0.02})
    (problem,) = limit_problems(found, limits)
    assert f"changes from 0.5000 to {0.5 + sign * 0.021:.4f} (at most by 0.02)" in problem
    assert limit_problems(found, ExportLimits(**{name: 0.022})) == []


def test_the_share_of_flips_has_a_limit():
    found = dict.fromkeys(("auc", "sensitivity", "ece"))
    found |= {"largest_probability_difference": 0.1, "flips": {"rows": 3, "share": 0.03}}
    assert limit_problems(found, ExportLimits(flips=0.03)) == []
    assert limit_problems(found, ExportLimits(flips=0.029)) == [
        "3.00% of the rows are decided otherwise (at most 2.90%)"
    ]
    assert limit_problems(found | {"flips": {"rows": 0, "share": math.nan}}, ExportLimits())
