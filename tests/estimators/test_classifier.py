"""The estimator: the run of the same recipe, scikit-learn's tools around it, and samples of each form."""

import copy
import io
import pickle
import random
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import imbalkit
from imbalkit.functional.ranking import roc_auc
from imbalkit.runs.restore import restore
from imbalkit.sklearn import ImbalkitClassifier
from imbalkit.sklearn.samples import Samples, groups_of

FAST = {"training__epochs": 8, "training__accelerator": "cpu"}


@pytest.fixture(scope="module")
def cancer():
    """Rows, labels as words (malignant is the rarer one), and groups of three rows."""
    found = load_breast_cancer(as_frame=True)
    labels = found.target.map({0: "malignant", 1: "benign"}).to_numpy()
    return found.data, labels, np.arange(len(labels)) // 3


@pytest.fixture(scope="module")
def fitted(cancer):
    rows, labels, _ = cancer
    return ImbalkitClassifier(positive="malignant", random_state=3, **FAST).fit(rows, labels)


def test_it_is_the_run_of_the_same_recipe(cancer, tmp_path):
    rows, labels, groups = cancer
    recipe = {
        "seed": 5,
        "positive": "malignant",
        "backbone": {"name": "mlp", "hidden": [16]},
        "loss": "focal",
        "training": {"epochs": 4, "accelerator": "cpu"},
        "decision": {"threshold": "youden", "prior": "data"},
    }
    found = ImbalkitClassifier({**recipe, "split": {"validation": 0.25, "seed": 2}}).fit(rows, labels, groups)
    rows.assign(label=labels, patient=groups).to_csv(tmp_path / "rows.csv", index=False)
    labels_of_run = {"benign": "benign", "malignant": "malignant"}  # the order of the classes
    run = imbalkit.run(
        {
            **recipe,
            "data": {
                "name": "features",
                "file": str(tmp_path / "rows.csv"),
                "group_column": "patient",
                "labels": labels_of_run,
            },
            "split": {"validation": 0.25, "seed": 2, "test": 0},
            "evaluation": {"test": False},
        },
        folder=tmp_path / "run",
    )
    kept = pd.read_parquet(run / "predictions.parquet")
    assert (kept["split"] == "validation").all()
    of_rows = found.predict_proba(rows.iloc[kept["source"]])
    np.testing.assert_allclose(of_rows[:, 1], kept["probability_malignant"], atol=1e-6)
    assert found.threshold_ == pytest.approx(run.metrics["decision"]["threshold"], abs=1e-6)
    assert (found.predict(rows.iloc[kept["source"]]) == kept["decision"].to_numpy()).all()


def test_what_was_chosen(fitted, cancer):
    rows, labels, _ = cancer
    assert list(fitted.classes_) == ["benign", "malignant"]
    assert fitted.positive_ == "malignant"
    assert fitted.n_features_in_ == 30
    assert list(fitted.feature_names_in_) == list(rows)
    probabilities = fitted.predict_proba(rows)
    chosen = np.where(probabilities[:, 1] >= fitted.threshold_, "malignant", "benign")
    assert (fitted.predict(rows) == chosen).all()
    assert float(roc_auc(labels == "malignant", probabilities[:, 1])) > 0.97
    assert fitted.decision_["rule"] == "youden"


@pytest.mark.parametrize(
    ("classes", "keys"),
    [
        (2, {"decision": {"threshold": "best_f", "calibrator": "temperature", "abstain": {"coverage": 0.8}}}),
        (3, {"positive": "2", "decision": {"threshold": {"name": "target_recall", "recall": 0.9}}}),
        (3, {"decision": {"threshold": "logit_adjustment"}}),
    ],
    ids=["abstains", "three classes, one positive", "costs"],
)
def test_predict_is_the_threshold_on_predict_proba(classes, keys):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, 300)
    rows = rng.normal(size=(300, 3)) + labels[:, None] * 0.7
    found = ImbalkitClassifier(**FAST, **keys).fit(rows, labels)
    probabilities = found.predict_proba(rows)
    assert found.threshold_ is None or 0 < found.threshold_ < 1
    if found.positive_ is not None:
        others = np.where(np.arange(classes) == found.positive_, -1, probabilities).argmax(axis=1)
        at_threshold = probabilities[:, found.positive_] >= found.threshold_
        assert (found.predict(rows) == np.where(at_threshold, found.positive_, others)).all()
    else:
        costs = np.array(found.decision_["costs"])
        assert found.threshold_ is None
        assert (found.predict(rows) == (probabilities @ costs).argmin(axis=1)).all()


def _through_joblib(found):
    joblib.dump(found, held := io.BytesIO())
    return joblib.load(io.BytesIO(held.getvalue()))


@pytest.mark.parametrize(
    "copy_of",
    [copy.deepcopy, lambda found: pickle.loads(pickle.dumps(found)), _through_joblib],
    ids=["copy", "pickle", "joblib"],
)
def test_copies_predict_the_same(fitted, cancer, copy_of):
    rows = cancer[0]
    np.testing.assert_array_equal(copy_of(fitted).predict_proba(rows), fitted.predict_proba(rows))


def test_a_clone_is_not_fitted_and_learns_the_same(fitted, cancer):
    rows, labels, _ = cancer
    twin = clone(fitted)
    assert not hasattr(twin, "classes_")
    assert twin.get_params() == fitted.get_params()
    np.testing.assert_array_equal(twin.fit(rows, labels).predict_proba(rows), fitted.predict_proba(rows))


def test_the_random_numbers_and_threads_of_the_caller_stay(cancer):
    rows, labels, _ = cancer
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = random.random(), np.random.rand(), float(torch.rand(1))
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    threads = torch.get_num_threads()
    ImbalkitClassifier(**FAST, training__threads=1).fit(rows, labels).predict(rows)
    assert (random.random(), np.random.rand(), float(torch.rand(1))) == expected
    assert torch.get_num_threads() == threads


def test_grid_search_over_keys_of_the_recipe(cancer):
    rows, labels, _ = cancer
    grid = {"training__epochs": [1, 8], "loss": ["ce", {"name": "focal", "gamma": 2}]}
    search = GridSearchCV(ImbalkitClassifier(training__accelerator="cpu"), grid, cv=2, scoring="roc_auc")
    search.fit(rows, labels)
    assert search.best_params_["training__epochs"] == 8
    assert search.best_estimator_.get_params()["training__accelerator"] == "cpu"


def test_folds_of_groups(cancer):
    rows, labels, groups = cancer
    found = cross_val_predict(
        ImbalkitClassifier(**FAST),
        rows,
        labels,
        groups=groups,
        cv=StratifiedGroupKFold(3),
        method="predict_proba",
    )
    assert float(roc_auc(labels == "malignant", found[:, 1])) > 0.95


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA])
def test_missing_groups_in_a_list_are_groups_of_their_own(missing):
    names = ["p1", missing, "p1", missing]
    assert groups_of(names, 4).tolist() == groups_of(pd.Series(names), 4).tolist() == ["p1", None, "p1", None]
    assert groups_of([3, 3, 4], 3).tolist() == groups_of(np.array([3, 3, 4]), 3).tolist() == ["3", "3", "4"]


def test_groups_reach_fit_by_metadata_routing(cancer):
    import sklearn

    rows, labels, groups = cancer
    with sklearn.config_context(enable_metadata_routing=True):
        model = ImbalkitClassifier(**FAST).set_fit_request(groups=True)
        scores = cross_val_score(model, rows, labels, params={"groups": groups}, cv=StratifiedGroupKFold(2))
    assert scores.min() > 0.85


def test_other_tools_around_it(cancer):
    rows, labels, _ = cancer
    binary = (labels == "malignant").astype(int)
    tuned = TunedThresholdClassifierCV(ImbalkitClassifier(**FAST), scoring="balanced_accuracy", cv=2).fit(rows, binary)
    assert 0 < tuned.best_threshold_ < 1
    calibrated = CalibratedClassifierCV(make_pipeline(StandardScaler(), ImbalkitClassifier(**FAST)), cv=2).fit(
        rows, binary
    )
    assert float(roc_auc(binary == 1, calibrated.predict_proba(rows)[:, 1])) > 0.97


def test_two_processes(cancer):
    rows, labels, _ = cancer
    scores = cross_val_score(ImbalkitClassifier(**FAST), rows, labels, cv=2, n_jobs=2)
    assert scores.min() > 0.85


def test_numbers_categories_and_gaps():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    rows = pd.DataFrame(
        {
            "age": np.where(rng.random(300) < 0.1, np.nan, 40 + 10 * labels + rng.normal(size=300)),
            "site": pd.Categorical(np.where(labels == 1, rng.choice(["arm", "leg"], 300), "leg")),
            "seen": rng.random(300) < 0.5,
        }
    )
    found = ImbalkitClassifier(**FAST).fit(rows, labels)
    assert balanced_accuracy_score(labels, found.predict(rows)) > 0.95
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found.predict(rows)
    new = pd.DataFrame({"age": [np.nan, 40.0], "site": ["nose", "nose"], "seen": [True, False]})
    with pytest.warns(
        UserWarning, match=r"site: 2 cells have values that are no category .* other \('nose'\)"
    ) as caught:
        assert found.predict_proba(new).shape == (2, 2)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="seen: 300 cells"):  # 1 is not true
        found.predict(rows.assign(seen=rows["seen"].astype(int)))
    with pytest.raises(ValueError, match="feature names should match"):
        found.predict(rows[["site", "age", "seen"]])


def test_images_in_memory():
    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8)[:600] / 16
    found = ImbalkitClassifier(training__epochs=6, training__accelerator="cpu").fit(images, labels[:600])
    assert list(found.classes_) == list(range(10))
    assert found.threshold_ is None
    assert (found.predict(images) == labels[:600]).mean() > 0.8
    whole = (images * 255 + 0.5).astype(np.uint8)
    np.testing.assert_array_equal(found.predict_proba(whole[..., None]), found.predict_proba(images))
    with pytest.raises(ValueError, match=r"expected images \[n, h, w\]"):
        found.predict(images.reshape(600, -1))
    with pytest.raises(ValueError, match=r"X within 0..1, got"):
        found.predict(images * 16)


def test_files(tmp_path):
    images, labels = load_digits(return_X_y=True)
    paths = []
    for place, image in enumerate(images[:120].reshape(-1, 8, 8)):
        paths.append(tmp_path / f"{place}.png")
        Image.fromarray((image * 15.9).astype(np.uint8)).save(paths[-1])
    binary = labels[:120] == 3
    found = ImbalkitClassifier(training__epochs=2, training__accelerator="cpu", images__size=8).fit(paths, binary)
    assert list(found.classes_) == [False, True]
    assert found.predict_proba([str(path) for path in paths[:5]]).shape == (5, 2)
    with pytest.raises(ValueError, match=r"gone\.png"):
        found.predict([tmp_path / "gone.png"])


def test_images_in_memory_are_not_written(monkeypatch):
    images, labels = load_digits(return_X_y=True)
    images, binary, groups = images.reshape(-1, 8, 8)[:200] / 16, labels[:200] == 3, np.arange(200) // 2
    fast = {"training__epochs": 1, "training__accelerator": "cpu", "random_state": 0}
    with monkeypatch.context() as patch:
        patch.setattr(Samples, "write", None)
        in_memory = ImbalkitClassifier(**fast).fit(images, binary, groups)
    assert in_memory.predict_proba(images).shape == (200, 2)


def test_a_folder_keeps_the_run_and_its_samples(cancer, tmp_path):
    rows, labels, groups = cancer
    kept = ImbalkitClassifier(folder=tmp_path / "kept", **FAST).fit(rows, labels, groups)
    run = imbalkit.Run.load(tmp_path / "kept")
    assert run.positive == "malignant"
    assert (tmp_path / "kept" / "samples" / "table.parquet").is_file()
    np.testing.assert_allclose(run.predict(rows)["probability_malignant"], kept.predict_proba(rows)[:, 1], atol=1e-6)
    assert len(restore(tmp_path / "kept").prepared.table) == len(rows)  # its data can be read again
    with pytest.raises(ValueError, match="expected a new or an empty folder"):
        kept.fit(rows, labels)
    assert (kept.predict(rows) == labels).mean() > 0.9  # a fit that fails leaves the one before


@pytest.mark.parametrize("first", [np.nan, 0], ids=["a missing group", "groups"])
def test_a_folder_keeps_images_that_were_in_memory(first, tmp_path):
    images, labels = load_digits(return_X_y=True)
    images, groups = images.reshape(-1, 8, 8)[:200] / 16, np.append(first, np.arange(199) // 2)
    fast = {"training__epochs": 1, "training__accelerator": "cpu", "random_state": 0}
    kept = ImbalkitClassifier(folder=tmp_path / "kept", **fast).fit(images, labels[:200] == 3, groups)
    assert restore(tmp_path / "kept").prepared.table.arrays.shape == (200, 8, 8, 1)
    alone = ImbalkitClassifier(**fast).fit(images, labels[:200] == 3, groups)
    np.testing.assert_array_equal(kept.predict_proba(images), alone.predict_proba(images))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"training__epoch": 3}, r"(?s)training\.epoch.*epochs"),
        ({"loss": "crossentropy"}, "loss"),
        ({"recipe": "gone.yaml"}, r"no recipe file 'gone\.yaml'"),
        ({"positive": "melanoma"}, "melanoma"),
        ({"loss": object()}, "loss: expected text, a number, a list or a mapping"),
        ({"backbone": "small_cnn"}, "take `backbone: mlp`"),
        ({"inputs": {"columns": ["x"]}}, "names columns beside an image"),
        ({"split__validatoin": 0.3}, r"split\.validatoin.*did you mean 'validation'"),
        ({"split": {"folds": 5}}, r"split: an estimator has no use for `split\.folds`"),
        ({"evaluation__resamples": 100}, r"no use for `evaluation\.resamples`: every sample that fit is given"),
        ({"export": ["onnx"]}, "`imbalkit export FOLDER` writes model files"),
        ({"data__name": "digits"}, r"samples come from fit\(X, y\)"),
    ],
)
def test_mistakes_in_the_recipe(cancer, params, message):
    rows, labels, _ = cancer
    with pytest.raises(ValueError, match=message):
        ImbalkitClassifier(**params).fit(rows, labels)


def test_mistakes_in_the_samples(cancer):
    rows, labels, groups = cancer
    for x, y, given, message in [
        (rows, np.repeat("benign", len(rows)), None, "two classes or more"),
        (rows, labels[:-1], None, "inconsistent numbers of samples"),
        (rows, labels, groups[:-1], "expected a group for each of 569 samples"),
        (rows.set_axis(["label", *rows.columns[1:]], axis=1), labels, None, "has a column 'label'"),
        ([np.zeros((4, 4)), np.zeros((5, 4))], [0, 1], None, "expected images of one size"),
        (["a.png", 3], [0, 1], None, "got 3 in place 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            ImbalkitClassifier().fit(x, y, given)


def test_weights_of_samples_are_refused_with_what_to_do_instead(cancer):
    rows, labels, _ = cancer
    with pytest.raises(TypeError, match=r"fit takes no sample_weight.*class_balanced"):
        ImbalkitClassifier().fit(rows, labels, sample_weight=np.ones(len(labels)))
    with pytest.raises(TypeError, match="fit takes X, y and groups, got 'weights'"):
        ImbalkitClassifier().fit(rows, labels, weights=1)


def test_overrides_apply_in_whatever_order_they_come(cancer):
    rows, labels, _ = cancer
    found = ImbalkitClassifier(loss__gamma=3, loss="focal", **FAST).fit(rows, labels)
    assert found.decision_["corrections"][0]["fitted"] == {"name": "focal", "gamma": 3.0}


def test_columns_at_predict_are_read_as_in_fit():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    rows = pd.DataFrame(
        {
            "age": pd.Series(list(40 + 10 * labels), dtype=object),  # numbers by their values
            "site": np.where(labels == 1, "arm", "leg"),
            "seen": rng.random(200) < 0.5,
            "code": pd.Series([1, "x"] * 100, dtype=object),
        }
    )
    found = ImbalkitClassifier(**FAST).fit(rows, labels)
    assert found.predict(rows).shape == (200,)
    unknown = rows.assign(site=np.nan, code=None)  # no word is left in them
    assert found.predict_proba(unknown).shape == (200, 2)
    for changed, message in [
        (rows.assign(age="old"), "expected numbers in column 'age', as in fit, got 'old'"),
        (rows.assign(age=np.inf), "expected finite numbers or gaps in column 'age'"),
        (rows.to_numpy(), "expected a DataFrame with the columns of fit, got ndarray"),
    ]:
        with pytest.raises(ValueError, match=message):
            found.predict(changed)


def test_too_few_samples_for_validation_is_said():
    rows, labels = np.random.default_rng(0).normal(size=(12, 2)), np.array([0] * 11 + [1])
    with pytest.warns(UserWarning, match="too few for a validation share"):
        found = ImbalkitClassifier(**FAST).fit(rows, labels)
    assert found.decision_["rows"] == [] or not any(found.decision_["rows"])


def test_samples_without_a_group_are_each_a_group_of_their_own():
    rows = np.random.default_rng(0).normal(size=(200, 2))
    labels = (rows[:, 0] > 1).astype(int)
    groups = np.array([f"p{row // 2}" for row in range(200)], dtype=object)
    groups[labels == 1] = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ImbalkitClassifier(**FAST).fit(rows, labels, groups=groups)
    assert all(found.decision_["rows"])
