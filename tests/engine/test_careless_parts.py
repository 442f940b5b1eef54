"""Parts that write where they only look, and samplers that return rows of validation or test: refused, and by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from imbalkit.base.randomness import generator
from imbalkit.data.table import Table
from imbalkit.decision.corrections import calibration
from imbalkit.engine.observers import Observers
from imbalkit.engine.resample import check_rows
from imbalkit.errors import PlanError, PluginError
from imbalkit.evaluation.evaluate import evaluate
from imbalkit.kinds import Calibrator, Counts, Metric, Predictions, Sampler
from imbalkit.kinds.decisions import ThresholdRows
from imbalkit.plan import Plan


class Careless(Sampler):
    """A sampler for the checks."""

    name = "careless"

    def preview(self, counts: Counts) -> Counts:
        return counts

    def resample(self, plan, rng):
        return plan


PLAN = Plan.from_labels(np.array([0, 0, 1, 0, 1]), ("a", "b"), sources=np.array([1, 3, 4, 7, 9]))


def swapped(plan):
    return Plan.from_labels(1 - plan.label, plan.classes, sources=plan.source)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda plan: None, "must return a Plan, got NoneType"),
        (
            lambda plan: Plan.from_labels(plan.label, plan.classes),
            r"2 rows of samples that it was not given \(such as sample 0\)",
        ),
        (swapped, "5 rows with another label"),
        (lambda plan: plan.drop(np.arange(len(plan))), "left no rows to train on"),
        (lambda plan: Plan.from_labels(plan.label, ("b", "a"), sources=plan.source), "changed the classes"),
    ],
)
def test_a_samplers_rows_are_those_that_it_was_given(make, message):
    with pytest.raises(PlanError, match=f"the sampler 'careless' .*{message}"):
        check_rows(Careless(), PLAN, PLAN.copy(), make(PLAN))


def test_a_sampler_that_writes_into_its_plan():
    given, plan = PLAN.copy(), PLAN.copy()
    plan.label[:] = 0
    with pytest.raises(PlanError, match="changed the plan that it was given"):
        check_rows(Careless(), plan, given, plan)


def test_copies_and_dropped_rows_are_fine():
    plan = PLAN.append(np.array([0, 0, 4])).drop(np.array([1]))
    check_rows(Careless(), PLAN, PLAN.copy(), plan)
    check_rows(Careless(), plan, plan.copy(), Careless().resample(plan, generator(0, "x")))


class Doubled(Calibrator):
    """Doubles logits, and is read back as what triples them."""

    name = "doubled"

    def fit(self, logits, labels):
        def apply(given):
            return 2 * given

        apply.fitted = {"factor": 2.0}
        return apply

    def restore(self, fitted):
        return lambda given: (1 + fitted["factor"]) * given


def test_a_calibrator_that_is_read_back_as_another_function():
    logits, labels = np.array([[0.5, -0.5], [-1.0, 1.0]]), np.array([0, 1])
    with pytest.raises(
        PluginError, match=r"the calibrator 'doubled' .*other logits after `restore`.*\{'factor': 2.0\}"
    ):
        calibration(Doubled(), logits, labels)


class InPlace(Metric):
    """Sorts what it was given."""

    name = "in_place"

    def compute(self, predictions):
        predictions.probabilities.sort(axis=1)
        return 1.0


def test_a_metric_cannot_change_what_the_next_one_sees_and_is_named():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    rows = Predictions(np.array([0, 1]), probabilities, np.array([0, 1]), ("a", "b"), 1)
    with pytest.raises(
        PluginError, match=r"the metric 'in_place' \(.*test_careless_parts\) failed: ValueError: .*read-only"
    ):
        evaluate(rows, [InPlace()])
    assert probabilities.tolist() == [[0.9, 0.1], [0.2, 0.8]]
    assert probabilities.flags.writeable


def test_a_threshold_cannot_change_its_rows():
    rows = ThresholdRows(np.array([True, False]), np.array([0.9, 0.1]))
    with pytest.raises(ValueError, match="read-only"):
        rows.probabilities[:] = 0


def test_an_observer_has_a_plan_of_its_own(tmp_path):
    seen = []

    class Catalogue:
        def calls(self, hook, arguments):
            seen.append(arguments["plan"])
            return []

    plan = PLAN.copy()
    Observers(tmp_path, Catalogue(), print).plan_changed(plan, "stage")
    seen[0].label[:] = 0
    assert plan == PLAN


def test_columns_of_several_types_are_text():
    frame = pd.DataFrame({"label": list("abab"), "path": list("wxyz"), "grade": [1, "unknown", None, 2.5]})
    frame["names"] = [["p", "q"], [], None, ["r"]]
    frame["site"] = ["arm", None, "leg", "arm"]
    found = Table.build(frame).frame
    assert found["grade"].tolist()[:2] == ["1", "unknown"]
    assert found["grade"].isna().tolist() == [False, False, True, False]
    assert found["names"][0] == "['p', 'q']"
    assert found["site"].equals(frame["site"])
