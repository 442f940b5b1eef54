"""Figures of subgroups: which there are, what is withheld, and that they are the figures of those rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imbalkit.base.randomness import derive_seed
from imbalkit.builtin.metrics import METRICS
from imbalkit.data.columns import column_problem
from imbalkit.errors import DataError
from imbalkit.evaluation.intervals import interval_facts
from imbalkit.evaluation.settings import EvaluationSettings
from imbalkit.evaluation.subgroups import shown, subgroup_facts, subgroups_of
from imbalkit.kinds import Predictions

CLASSES = ("benign", "malignant")
EVERY = [part() for part in METRICS]
PARTS = {part.name: part for part in EVERY}
SETTINGS = EvaluationSettings(resamples=200)


def sample(n=300, classes=CLASSES, positive=1):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(classes), n)
    probabilities = rng.dirichlet(np.ones(len(classes)), n) * 0.7 + 0.3 * np.eye(len(classes))[labels]
    return Predictions(labels, probabilities, probabilities.argmax(axis=1), classes, positive)


def facts(predictions, metadata, groups=None, settings=SETTINGS, metrics=("roc_auc", "miss_rate")):
    found = subgroup_facts(predictions, pd.DataFrame(metadata), groups, [PARTS[name] for name in metrics], settings)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def names(found):
    return {(entry["column"], entry["value"]): entry["n"] for entry in found}


def test_a_subgroup_has_the_figures_of_its_rows():
    predictions, groups = sample(), np.arange(300) // 2
    sex = np.where(np.arange(300) % 3 == 0, "male", "female")
    for of in (groups, None):
        found = facts(predictions, {"sex": sex}, of, metrics=("roc_auc", "miss_rate", "recall"))
        assert names(found) == {("sex", "female"): 200, ("sex", "male"): 100}
        for entry in found:
            rows = sex == entry["value"]
            own = predictions.take(rows)
            assert entry["support"] == {"benign": int((own.labels == 0).sum()), "malignant": int(own.labels.sum())}
            assert entry["withheld"] is None
            seed = derive_seed(0, "subgroup", "sex", entry["value"])
            limits = interval_facts(own, EVERY, None if of is None else of[rows], SETTINGS, seed)
            for name in ("roc_auc", "miss_rate"):
                assert all(entry["metrics"][name][end] == limits[name][end] for end in ("low", "high"))
            assert entry["metrics"]["roc_auc"]["value"] == pytest.approx(PARTS["roc_auc"].compute(own))
            assert entry["metrics"]["miss_rate"]["value"] == pytest.approx(PARTS["miss_rate"].compute(own))
            assert entry["metrics"]["recall"]["benign"]["value"] == pytest.approx(
                PARTS["recall"].compute(own)["benign"]
            )
            low, value, high = (entry["metrics"]["roc_auc"][key] for key in ("low", "value", "high"))
            assert low < value < high
    without = facts(predictions, {"sex": sex}, settings=EvaluationSettings(resamples=0))
    assert without[0]["metrics"]["roc_auc"]["low"] is None


def test_small_cells_are_withheld_and_say_so():
    predictions = sample()
    site = np.full(300, "trunk", dtype=object)
    site[np.flatnonzero(predictions.labels == 1)[:9]] = "palm"
    site[np.flatnonzero(predictions.labels == 0)[:10]] = "palm"
    site[np.flatnonzero(predictions.labels == 0)[10:40]] = "scalp"
    found = {entry["value"]: entry for entry in facts(predictions, {"site": site}, metrics=("miss_rate", "accuracy"))}
    assert found["palm"]["withheld"] == "fewer than 10 rows of malignant"
    assert found["palm"]["metrics"] == {}
    assert found["palm"]["support"] == {"benign": 10, "malignant": 9}
    assert found["scalp"]["withheld"] is None  # no row of malignant: its miss rate is not defined, and nothing is small
    assert found["scalp"]["metrics"]["miss_rate"] == {"value": None, "low": None, "high": None}
    assert found["scalp"]["metrics"]["accuracy"]["value"] is not None
    enough = facts(predictions, {"site": site}, settings=EvaluationSettings(resamples=200, min_subgroup_rows=9))
    assert all(entry["withheld"] is None for entry in enough)


def test_of_many_classes_each_counts_or_the_positive_one_against_the_rest():
    classes = ("a", "b", "c")
    predictions = sample(classes=classes, positive=None)
    value = np.full(300, "other", dtype=object)
    value[np.flatnonzero(predictions.labels == 0)[:20]] = "this"
    value[np.flatnonzero(predictions.labels == 1)[:5]] = "this"
    value[np.flatnonzero(predictions.labels == 2)[:5]] = "this"
    of_each = {entry["value"]: entry for entry in facts(predictions, {"x": value})}
    assert of_each["this"]["withheld"] == "fewer than 10 rows of b and of c"
    against = {entry["value"]: entry for entry in facts(sample(classes=classes, positive=0), {"x": value})}
    assert against["this"]["withheld"] is None
    against = {entry["value"]: entry for entry in facts(sample(classes=classes, positive=1), {"x": value})}
    assert against["this"]["withheld"] == "fewer than 10 rows of b"


def test_columns_that_make_subgroups_of_their_own_accord():
    n, rng = 300, np.random.default_rng(1)
    predictions = sample(n)
    metadata = {
        "sex": rng.choice(["male", "female"], n),
        "age": rng.integers(20, 90, n).astype(float),
        "year": rng.choice([2019, 2020], n),
        "flag": rng.random(n) < 0.5,
        "only": ["one"] * n,
        "nothing": [None] * n,
        "image": [f"ISIC_{row}" for row in range(n)],
        "number": np.arange(n),
        "diagnosis": np.where(predictions.labels == 1, "melanoma", "nevus"),
        "some": np.where(rng.random(n) < 0.3, "known", None),
    }
    found = names(facts(predictions, metadata))
    assert list(dict.fromkeys(column for column, _ in found)) == ["sex", "age", "year", "flag", "some"]
    assert [value for column, value in found if column == "year"] == ["2019", "2020"]
    assert [value for column, value in found if column == "flag"] == ["False", "True"]
    assert [value for column, value in found if column == "some"] == ["known", "not stated"]
    asked = EvaluationSettings(resamples=200, subgroups=["diagnosis", "only"])
    assert list(names(facts(predictions, metadata, settings=asked))) == [
        ("diagnosis", "melanoma"),
        ("diagnosis", "nevus"),
        ("only", "one"),
    ]
    assert facts(predictions, metadata, settings=EvaluationSettings(subgroups=[])) == []
    wide = metadata | {f"feature_{number}": rng.normal(size=n) for number in range(100)}
    assert facts(predictions, wide) == []
    asked = EvaluationSettings(resamples=200, subgroups=["only"])
    assert list(names(facts(predictions, wide, settings=asked))) == [("only", "one")]


def test_numbers_come_in_bins_that_are_named_by_what_is_in_them():
    age = pd.Series([None, *np.repeat([20.0, 25, 30, 35, 40, 45, 50, 55, 60, 65], 3), 65.5])
    found = subgroups_of(age)
    assert list(found.cat.categories) == ["20 to 30", "35 to 45", "50 to 55", "60 to 65.5", "not stated"]
    for row, value in age.items():
        if pd.isna(value):
            assert found[row] == "not stated"
        else:
            low, high = (float(end) for end in found[row].split(" to "))
            assert low <= value <= high
    few = subgroups_of(pd.Series([10.0, 2.0, np.nan, 10.0]))
    assert list(few.cat.categories) == ["2", "10", "not stated"]
    assert list(few) == ["10", "2", "not stated", "10"]
    skewed = subgroups_of(pd.Series([0.0] * 90 + list(np.arange(1.0, 11))))
    assert skewed.notna().all()
    assert skewed.value_counts().sum() == 100


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(np.random.default_rng(0).integers(20190101, 20190130, 60)),  # dates
        pd.Series(1.7e9 + np.random.default_rng(0).normal(size=60)),
        pd.Series([2**60 + place for place in range(12)] * 5),  # whole numbers that floats round
        pd.Series(np.r_[np.random.default_rng(0).normal(size=40), [-np.inf] * 15, [np.inf] * 5]),  # logarithms of 0
        pd.Series([*range(30), None] * 2, dtype="Int64"),
    ],
    ids=["dates", "seconds", "codes", "infinite", "missing"],
)
def test_every_row_is_in_one_bin_in_order(values):
    found = subgroups_of(values)
    assert found.notna().all()
    assert len(set(found.cat.categories)) == len(found.cat.categories) <= 7
    known = values.notna().to_numpy()
    order = values[known].rank(method="dense").groupby(found.cat.codes.to_numpy()[known]).agg(["min", "max"])
    assert (order["min"].to_numpy()[1:] > order["max"].to_numpy()[:-1]).all()


def test_rare_values_of_a_column_that_is_asked_for_are_one_subgroup():
    values = [f"v{row % 40:02}" for row in range(400)] + [f"v{row:02}" for row in range(20)] * 3 + [" "]
    found = subgroups_of(pd.Series(values))
    assert len(found.cat.categories) == 32
    assert list(found.cat.categories)[-2:] == ["others", "not stated"]
    assert (found == "v03").sum() == 13
    assert (found == "others").sum() == 100


def test_a_column_that_is_not_there():
    with pytest.raises(DataError, match="evaluation.subgroups: the data have no column 'sexx'; did you mean 'sex'"):
        facts(sample(4), {"sex": list("mfmf")}, settings=EvaluationSettings(subgroups=["sexx"]))
    assert column_problem(["age"], []) == "the data have no column 'age' (columns: none)"
    assert column_problem(["age"], ["age"]) == ""
    with pytest.raises(DataError, match="expected metadata of 4 rows, got 2"):
        facts(sample(4), {"sex": list("mf")})


def test_shown_metrics():
    assert [part.name for part in shown(EVERY, 1)] == ["false_alarm_rate", "miss_rate", "roc_auc"]
    assert [part.name for part in shown(EVERY, None)] == ["balanced_accuracy", "roc_auc", "worst_class_recall"]
    assert [part.name for part in shown([PARTS["mcc"]], 1)] == ["mcc"]


def test_dermatology():
    """The metadata of HAM10000: age in bins, sex, site; the diagnosis says the label and is left out."""
    file = Path(__file__).parents[2] / "../shared/data/ham10000/labels.csv"
    if not file.exists():
        pytest.skip("../shared/data/ham10000 is absent")
    table = pd.read_csv(file)
    labels = table["melanoma"].to_numpy()
    score = 1 / (1 + np.exp(-np.random.default_rng(0).normal(2.0 * labels - 2, 1.0)))
    probabilities = np.stack([1 - score, score], axis=1)
    predictions = Predictions(labels, probabilities, (score > 0.3).astype(int), ("other", "melanoma"), 1)
    found = facts(predictions, table.drop(columns=["melanoma", "path"]), table["lesion_id"].to_numpy())
    assert list(dict.fromkeys(entry["column"] for entry in found)) == ["dx_type", "age", "sex", "localization"]
    assert sum(entry["n"] for entry in found if entry["column"] == "sex") == len(table)
    withheld = {entry["value"]: entry["withheld"] for entry in found if entry["column"] == "localization"}
    assert withheld["ear"] == "fewer than 10 rows of melanoma"  # 8 of 28
    assert withheld["hand"] is None  # none of 49: its false alarm rate stands
    assert withheld["back"] is None
