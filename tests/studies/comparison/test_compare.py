"""A comparison against the same metrics by other means; the level of the tests by simulation."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score

import imbalkit
from imbalkit.base.randomness import generator
from imbalkit.builtin.metrics import Precision
from imbalkit.builtin.metrics.areas import RocAuc
from imbalkit.errors import RunError
from imbalkit.evaluation.paired import paired_tests
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.functional.bootstrap import draw_weights, units_of_classes
from imbalkit.functional.paired import cluster_permutation, delong_test, expanded_level, holm, mcnemar
from imbalkit.kinds import Metric, Predictions
from imbalkit.studies.comparison import compare
from imbalkit.studies.comparison.text import small_print, statements, table
from tests.benchmarks.paired_level import draw, rejections


def rows_of(folder):
    frame = pd.read_parquet(folder / "predictions.parquet")
    return frame[frame["split"] == "test"].reset_index(drop=True)


@pytest.fixture
def sides(two_runs):
    return [rows_of(folder) for folder in two_runs]


def one(found, metric, test=None, name=""):
    rows = found.tests[(found.tests["metric"] == metric) & (found.tests["class"] == name)]
    return (rows if test is None else rows[rows["test"] == test]).iloc[0]


def test_a_metric_without_intervals_has_none_in_a_comparison(two_runs):
    """Two models that are calibrated alike, one of them sharp, were apart at p < .05 in 77 % of simulations."""
    found = compare(two_runs, metrics=["ece", "brier"], resamples=100)
    row = one(found, "ece")
    assert np.isfinite(row["difference"])
    assert np.isnan([row["low"], row["high"], row["p"], row["p_holm"]]).all()
    assert one(found, "brier")["low"] < one(found, "brier")["high"]
    assert "ece" not in " ".join(statements(found))
    assert "Not tested: ece (the metric has no test, or too few rows for one)." in small_print(found)
    alone = compare(two_runs, metrics=["ece"], resamples=100)
    assert statements(alone) == [
        "None of these metrics could be tested against plain: nothing is said of a difference."
    ]
    assert "ece" in table(found)["metric"].tolist()


# --- values and tests ---------------------------------------------------------------------------------------------------


def test_values_are_those_of_scikit_learn(two_runs, sides):
    found = compare(two_runs, resamples=100)
    assert list(found.runs) == ["plain", "better"]
    assert (found.reference, found.unit, found.units) == ("plain", "row", 200)
    assert found.support == {"benign": 140, "melanoma": 60}
    positives = sides[0]["label"] == "melanoma"
    for run, rows in zip(("plain", "better"), sides, strict=True):
        values = found.metrics[found.metrics["run"] == run].set_index("metric")["value"]
        probabilities = rows["probability_melanoma"]
        assert values["roc_auc"] == pytest.approx(roc_auc_score(positives, probabilities))
        assert values["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(rows["label"], rows["decision"]))
        assert values["log_loss"] == pytest.approx(log_loss(positives, probabilities))
        assert values["miss_rate"] == pytest.approx((rows["decision"] != "melanoma")[positives].mean())
    row = one(found, "roc_auc")
    assert row["difference"] == pytest.approx(row["value"] - row["reference_value"])
    assert row["better"] is True
    assert one(found, "log_loss")["better"] is bool(one(found, "log_loss")["difference"] < 0)


def test_rates_get_mcnemars_test_and_areas_get_delongs(two_runs, sides):
    found = compare(two_runs, resamples=100)
    positives = (sides[0]["label"] == "melanoma").to_numpy()
    called = [(rows["decision"] == "melanoma").to_numpy() for rows in sides]
    for metric, rows in (("miss_rate", positives), ("false_alarm_rate", ~positives)):
        gained, lost = ((called[1] & ~called[0])[rows].sum(), (called[0] & ~called[1])[rows].sum())
        assert one(found, metric, "McNemar")["p"] == pytest.approx(binomtest(int(gained), int(gained + lost)).pvalue)
    area = one(found, "roc_auc", "DeLong")
    expected = delong_test(positives, *(rows["probability_melanoma"].to_numpy() for rows in sides))
    assert [area["low"], area["high"], area["p"]] == pytest.approx([expected.low, expected.high, expected.p])
    tests = found.tests.groupby("metric", sort=False)["test"].apply(list).to_dict()
    assert tests["miss_rate"] == ["McNemar", "bootstrap"]
    assert tests["roc_auc"] == ["DeLong", "bootstrap"]
    assert tests["balanced_accuracy"] == ["bootstrap"]
    assert found.deciding.groupby("metric", sort=False)["test"].first().to_dict()["false_alarm_rate"] == "McNemar"


def test_the_bootstrap_is_paired(two_runs, sides):
    found = compare(two_runs, metrics=["roc_auc"], resamples=400, seed=7)
    positives = (sides[0]["label"] == "melanoma").to_numpy()
    weights = draw_weights(200, 400, generator(7, "comparison")).astype(int)
    apart = [
        np.diff([
            roc_auc_score(np.repeat(positives, times), np.repeat(rows["probability_melanoma"], times)) for rows in sides
        ])[0]
        for times in weights
    ]  # fmt: skip
    row = one(found, "roc_auc", "bootstrap")
    expanded = expanded_level(0.95, units_of_classes([60, 140]))
    assert [row["low"], row["high"]] == pytest.approx(
        np.quantile(apart, [(1 - expanded) / 2, (1 + expanded) / 2]), abs=1e-9
    )


def test_a_rare_class_among_the_rest_does_not_hide_a_difference(tmp_path, make_run):
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [188, 75, 2])
    for name, apart in (("good", 3.0), ("bad", 0.0)):
        logits = apart * np.eye(3)[labels] + random.normal(size=(265, 3))
        make_run(tmp_path / name, labels, logits, classes=("well", "ill", "odd"), positive="ill")
    found = compare([tmp_path / "good", tmp_path / "bad"], metrics=["pr_auc", "log_loss"])
    assert (found.tests["p"] < 0.002).all()  # "odd" is part of the rest


@pytest.mark.parametrize("few", [2, 3, 4])
def test_few_rows_of_a_class_have_an_interval_that_goes_with_its_p(tmp_path, make_run, few):
    random = np.random.default_rng(few)
    labels = np.repeat([0, 1], [77, few])
    for name, apart in (("a", 0.5), ("b", 4.0)):
        make_run(tmp_path / name, labels, apart * (labels - 0.5) + random.normal(size=len(labels)))
    limits = []
    for resamples in (400, 4000):
        found = compare([tmp_path / "a", tmp_path / "b"], metrics=["balanced_accuracy", "pr_auc"], resamples=resamples)
        tests = found.tests.dropna(subset=["p"])
        assert not tests.empty
        outside = (tests["low"] > 0) | (tests["high"] < 0)
        assert (outside == (tests["p"] < 0.05)).all()
        assert tests["low"].ge(-1).all()
        assert tests["high"].le(1).all()
        limits.append(tests[["low", "high", "p"]].to_numpy())
    assert limits[0] == pytest.approx(limits[1], abs=0.05)  # they do not grow with the number of resamples


def test_with_groups_whole_groups_are_resampled_and_swapped(tmp_path, make_run):
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.random(60) < 0.4, 5).astype(int)
    groups = np.repeat(np.arange(60), 5)
    for name in ("a", "b"):
        scores = labels - 0.5 + np.repeat(rng.normal(size=60), 5) + 0.5 * rng.normal(size=300)
        make_run(tmp_path / name, labels, scores, groups=[f"P{code}" for code in groups])
    found = compare([tmp_path / "a", tmp_path / "b"], resamples=200)
    assert (found.unit, found.units) == ("group", 60)
    assert set(found.tests["test"]) == {"cluster permutation", "cluster bootstrap"}
    assert set(found.metrics["method"]) == {"cluster bootstrap"}
    missed = [(rows_of(tmp_path / name)["decision"] != "melanoma").to_numpy() for name in ("a", "b")]
    positives = labels == 1
    expected = cluster_permutation(missed[0][positives], missed[1][positives], groups[positives])
    assert one(found, "miss_rate", "cluster permutation")["p"] == pytest.approx(expected)
    assert expected > 2 * mcnemar(missed[0][positives], missed[1][positives])
    again = compare([tmp_path / "a", tmp_path / "b"], resamples=200)
    pd.testing.assert_frame_equal(again.tests, found.tests)


def test_p_values_are_corrected_for_the_number_of_runs(tmp_path, make_run):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(200) < 60).astype(int)
    for name, apart in (("base", 1.0), ("b", 1.6), ("c", 1.8), ("d", 1.1)):
        make_run(tmp_path / name, labels, apart * labels + rng.normal(size=200))
    found = compare([tmp_path / name for name in "bcd"], reference=tmp_path / "base", resamples=100)
    assert found.reference == "base"
    for (_, _), rows in found.tests.groupby(["metric", "test"]):
        assert rows["run"].tolist() == ["b", "c", "d"]
        assert rows["p_holm"].to_numpy() == pytest.approx(holm(rows["p"].to_numpy()))
    two = compare([tmp_path / "base", tmp_path / "b"], resamples=100)
    assert two.tests["p_holm"].to_numpy() == pytest.approx(two.tests["p"].to_numpy())


def test_more_classes_are_compared_class_by_class(tmp_path, make_run):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 150)
    for name, apart in (("a", 1.0), ("b", 2.0)):
        logits = apart * np.eye(3)[labels] + rng.normal(size=(150, 3))
        make_run(tmp_path / name, labels, logits, classes=("x", "y", "z"), positive=None)
    found = compare([tmp_path / "a", tmp_path / "b"], resamples=100)
    recalls = found.metrics[found.metrics["metric"] == "recall"]
    assert recalls["class"].tolist() == ["x", "y", "z"] * 2
    assert one(found, "recall", name="y")["test"] == "McNemar"
    assert one(found, "roc_auc")["test"] == "bootstrap"  # a mean of three areas
    assert set(found.metrics["metric"]) == {"recall", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss"}


def test_shares_of_what_was_decided_are_bootstrapped(two_runs):
    found = compare(two_runs, metrics=["precision", "accuracy"], resamples=100)
    assert one(found, "precision", name="melanoma")["test"] == "bootstrap"
    assert one(found, "accuracy")["test"] == "McNemar"


def test_runs_that_agree_on_every_row_leave_a_difference_open(tmp_path, make_run):
    labels = np.array([1] * 10 + [0] * 40)
    for name, scores in (("a", 8.0 * labels - 4), ("b", 6.0 * labels - 3)):
        make_run(tmp_path / name, labels, scores)
    found = compare([tmp_path / "a", tmp_path / "b"], resamples=100)
    for metric, rows in (("miss_rate", 10), ("false_alarm_rate", 40), ("roc_auc", 10)):
        row = one(found, metric, "bootstrap")
        assert (row["difference"], row["p"]) == (0, 1)
        assert [row["low"], row["high"]] == pytest.approx([0.025 ** (1 / rows) - 1, 1 - 0.025 ** (1 / rows)])
        assert row["better"] is None


def test_a_metric_without_a_value_has_no_test():
    labels = np.array([1, 1, 0, 0])
    base = Predictions(labels, np.full((4, 2), 0.5), np.zeros(4, dtype=int), ("a", "b"), 1)
    other = Predictions(labels, np.full((4, 2), 0.5), np.array([1, 0, 0, 0]), ("a", "b"), 1)
    tests = paired_tests({"base": base, "other": other}, [Precision()], None, EvaluationSettings(resamples=100), 0)
    row = tests[tests["class"] == "b"].iloc[0]  # never called by the first
    assert np.isnan(row["difference"])
    assert np.isnan([row["low"], row["high"], row["p"], row["p_holm"]]).all()
    assert row["better"] is None


class Strange(Metric):
    """A third party's metric: neither a share nor vectorised."""

    name = "strange"

    def compute(self, predictions):
        return float(np.median(predictions.probabilities[:, 1]))


def test_a_third_partys_metric_is_bootstrapped():
    sides = draw(np.random.default_rng(0), np.arange(40))
    tests = paired_tests(sides, [Strange()], None, EvaluationSettings(resamples=100), 0)
    assert tests["test"].tolist() == ["bootstrap"]
    assert tests["low"][0] <= tests["difference"][0] <= tests["high"][0]


def test_a_third_partys_area_is_compared_as_delong_does():
    class Area(RocAuc):
        """The same area by another name."""

        name = "area"

    sides = draw(np.random.default_rng(0), np.arange(200))
    tests = paired_tests(sides, [Area(), RocAuc()], None, EvaluationSettings(resamples=100), 0)
    delong = tests[tests["test"] == "DeLong"].set_index("metric")
    assert delong.loc["area", "p"] == delong.loc["roc_auc", "p"]


# --- how often a test is wrong ------------------------------------------------------------------------------------------

MOST = 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5  # of 150 simulations


@pytest.mark.parametrize("groups", [np.arange(100), np.arange(200) // 4], ids=["rows", "groups"])
def test_the_tests_keep_their_level(groups):
    shares = rejections(150, 150, groups)
    assert shares.max() <= MOST, shares
    assert shares.max() >= 0.015, shares  # and are not found by never finding anything


def test_rows_of_groups_taken_for_independent_would_break_it():
    shares = rejections(60, 100, np.arange(200) // 4, know_groups=False)
    assert shares.mean() > MOST, shares
    assert shares["roc_auc"].min() > MOST, shares


def test_a_difference_that_is_there_is_found():
    shares = rejections(30, 100, np.arange(400) // 2, better=1.0)
    assert shares["roc_auc"].min() > 0.6, shares
    assert shares["log_loss"].min() > 0.6, shares
    assert shares.min() > 0.1, shares


# --- refusals -----------------------------------------------------------------------------------------------------------


def test_what_cannot_be_compared_is_refused(two_runs, tmp_path, make_run):
    with pytest.raises(RunError, match="expected two runs"):
        compare(two_runs[:1])
    with pytest.raises(RunError, match="100 resamples or more, got 10"):
        compare(two_runs, resamples=10)
    with pytest.raises(RunError, match="no metric 'roc_ac'; did you mean 'roc_auc'"):
        compare(two_runs, metrics=["roc_ac"])
    with pytest.raises(RunError, match="expected a run folder, there is none at .*nothing"):
        compare([two_runs[0], tmp_path / "nothing"])
    unfinished = make_run(tmp_path / "unfinished", [0, 1], [0.0, 1.0])
    (unfinished / "metrics.json").unlink()
    with pytest.raises(RunError, match="is not finished"):
        compare([two_runs[0], unfinished])
    folds = make_run(tmp_path / "folds", [0, 1], [0.0, 1.0])
    (folds / "metrics.json").write_text(json.dumps({"folds": 5}))
    with pytest.raises(RunError, match=r"holds 5 folds, .*: name one, such as .*fold-0"):
        compare([two_runs[0], folds])


def test_forced_decisions_count_and_the_note_says_so(tmp_path, make_run):
    labels, scores = [0, 1, 0, 1], [-1.0, 1.0, 0.2, -0.2]
    make_run(tmp_path / "a", labels, scores)
    make_run(tmp_path / "b", labels, scores, undecided=(0.4, 0.6))  # the scores 0.2 and -0.2
    found = compare([tmp_path / "a", tmp_path / "b"], resamples=100)
    assert found.notes == ("b abstains on 2 rows; here its forced decisions on them count.",)
    assert found.few == {"benign": 2, "melanoma": 2}
    assert any("Few test rows of a class (2 of benign, 2 of melanoma)" in text for text in small_print(found))
    assert one(found, "miss_rate")["difference"] == 0


@pytest.mark.parametrize("at", ["half", "chosen"])
def test_one_half_of_an_ensemble_is_explained(two_runs, at):
    file = two_runs[0] / "metrics.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "ensemble": {"members": 2}}))
    notes = compare(two_runs, metrics=["roc_auc"], resamples=100, at=at).notes
    assert any(note.startswith("plain is an ensemble: one half is of the mean") for note in notes) == (at == "half")


def test_a_run_is_not_compared_with_itself(finished_run):
    with pytest.raises(RunError, match="expected two runs"):
        imbalkit.compare([finished_run, finished_run])


def test_a_real_run_compares_with_its_copy(finished_run, tmp_path):
    copy = shutil.copytree(finished_run, tmp_path / "copy")
    found = imbalkit.compare([finished_run, copy], resamples=100)
    assert found.unit == "group"
    assert (found.tests["difference"] == 0).all()
    assert (found.tests["p"] == 1).all()
    test = json.loads((finished_run / "metrics.json").read_text())["test"]
    for metric, value in found.metrics[found.metrics["run"] == "copy"].set_index("metric")["value"].items():
        assert value == pytest.approx(test[metric])


def test_runs_for_another_prevalence_are_compared_at_that_of_the_rows(two_runs, tmp_path):
    """Log loss and Brier score of test rows mean nothing at a prevalence that is not theirs."""
    first = two_runs[0]
    moved = shutil.copytree(first, tmp_path / "moved")
    bias = np.array([1.0, -1.0])
    frame = pd.read_parquet(moved / "predictions.parquet")
    names = [column for column in frame if column.startswith("probability_")]
    odds = frame[names].to_numpy() * np.exp(bias)
    frame[names] = odds / odds.sum(axis=1, keepdims=True)
    frame.to_parquet(moved / "predictions.parquet", index=False)
    metrics = json.loads((moved / "metrics.json").read_text())
    step = {
        "stage": "at the stated prevalence",
        "name": "offset",
        "fitted": {"scale": [1.0, 1.0], "bias": bias.tolist()},
    }
    metrics["decision"]["corrections"] = [step]
    (moved / "metrics.json").write_text(json.dumps(metrics))
    found = compare([first, moved], metrics=["log_loss", "brier"], resamples=100)
    assert found.tests["difference"].abs().max() < 1e-6
