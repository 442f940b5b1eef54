"""`imbalkit baseline`: scikit-learn's own figures on the recipe's rows, as runs that the other commands take."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from imbalkit.functional.metrics import softmax
from imbalkit.recipe.prepare import prepare
from imbalkit.runs.results import RunData
from imbalkit.studies.baselines.models import UNSEEN, Rows, boosting, logistic
from tests.command_line import imbalkit
from tests.tables import RECIPE, patients, write_patients


def write(folder, name="t.yaml", rows=400, **changes):
    recipe = {"data": write_patients(folder, rows), **RECIPE, "samplers": ["random_over"], **changes}
    (folder / name).write_text(yaml.safe_dump(recipe))
    return folder / name


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("baselines")
    write(folder)
    imbalkit("run", "t.yaml", "--folder", "net", cwd=folder)
    done = imbalkit("baseline", "net", cwd=folder)
    return folder, done


def test_beside_a_run_the_paired_comparison_is_printed(made):
    folder, done = made
    assert "net-logistic against net" in done.stdout
    assert "net-boosting against net" in done.stdout
    for method in ("logistic", "boosting"):
        found = metrics(folder / f"net-{method}")
        assert found["baseline"]["method"] == method
        assert any("samplers of the recipe do not apply" in note for note in found["notes"])
        assert found["class_counts"][0] == metrics(folder / "net")["class_counts"][0]


def test_commands_take_a_baseline_or_say_why_not(made):
    folder, _ = made
    done = imbalkit("compare", "net", "net-logistic", "net-boosting", "--metrics", "roc_auc", cwd=folder)
    assert "net-boosting" in done.stdout
    imbalkit("report", "net-logistic", cwd=folder)
    page = (folder / "net-logistic" / "report.html").read_text()
    assert "A baseline, no network: logistic regression" in page
    for command in (["predict", "net-boosting", "patients.csv"], ["export", "net-logistic", "--to", "onnx"]):
        done = imbalkit(*command, cwd=folder, check=False)
        assert done.returncode == 1
        assert "holds a baseline" in done.stderr
    done = imbalkit("baseline", "net", cwd=folder, check=False)
    assert done.returncode == 1
    assert "is not empty" in done.stderr


def rows_of(folder, name="t.yaml"):
    """The recipe's rows and columns, by pandas alone but for who is in which split."""
    split = prepare(folder / name).split
    frame = pd.read_csv(folder / "patients.csv")
    return frame, split, (frame["outcome"] == "well").to_numpy(np.int64)


def test_logistic_regression_is_scikit_learns_on_the_same_rows(made):
    folder, _ = made
    frame, split, labels = rows_of(folder)
    run = RunData(folder / "net-logistic")
    train = frame.iloc[split.train]
    parts = []
    for name in ("age", "noise"):
        numbers = (frame[name] - train[name].mean()) / train[name].std(ddof=0)
        parts += [numbers.fillna(0.0), frame[name].isna()]
    parts += [frame["site"].str.lower() == site for site in ("arm", "back", "leg")] + [frame["site"].isna()]
    x = np.stack([np.asarray(part, dtype=np.float64) for part in parts], axis=1)
    x = x[:, np.ptp(x[split.train], axis=0) > 0]
    scaler = StandardScaler().fit(x[split.train])
    strength = run.metrics["baseline"]["C"]
    model = LogisticRegression(C=strength, max_iter=1000, tol=1e-8)
    model.fit(scaler.transform(x[split.train]), labels[split.train])
    test = run.split_rows().frame
    expected = model.predict_proba(scaler.transform(x[test["source"]]))
    found = softmax(test[["logit_ill", "logit_well"]].to_numpy(np.float64))
    assert np.abs(found - expected).max() < 2e-3  # lbfgs ends earlier in ours, at scikit-learn's default
    assert set(test["source"]) == set(split.test)


def test_boosting_is_scikit_learns_on_the_same_rows(made):
    folder, _ = made
    frame, split, labels = rows_of(folder)
    run = RunData(folder / "net-boosting")
    sites = frame["site"].str.lower().map({"arm": 0.0, "back": 1.0, "leg": 2.0})
    x = np.stack([frame["age"], frame["noise"], sites], axis=1).astype(np.float64)
    model = HistGradientBoostingClassifier(
        max_iter=run.metrics["baseline"]["trees"], early_stopping=False, categorical_features=[2], random_state=0
    ).fit(x[split.train], labels[split.train])
    test = run.split_rows().frame
    expected = model.predict_proba(x[test["source"]])
    found = softmax(test[["logit_ill", "logit_well"]].to_numpy(np.float64))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_test_rows_change_nothing_and_the_same_seed_gives_the_same_bytes(made):
    folder, _ = made
    frame, split, _ = rows_of(folder)
    changed = frame.copy()
    changed.loc[split.test, "age"] = 1e6
    changed.loc[split.test, "site"] = "elsewhere"
    (folder / "changed").mkdir()
    recipe = yaml.safe_load((folder / "t.yaml").read_text())
    for name, table in (("same", frame), ("changed", changed)):
        table.to_csv(folder / f"{name}.csv", index=False)
        recipe["data"]["file"] = f"{name}.csv"
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(recipe))
        imbalkit("baseline", f"{name}.yaml", "--folder", f"{name}_made", cwd=folder)
    for method in ("logistic", "boosting"):
        first = folder / f"net-{method}" / "predictions.parquet"
        assert first.read_bytes() == (folder / "same_made" / method / "predictions.parquet").read_bytes()
        found = metrics(folder / "changed_made" / method)
        assert found["baseline"] == metrics(folder / f"net-{method}")["baseline"]
        assert found["decision"] == metrics(folder / f"net-{method}")["decision"]
        assert found["test"] != metrics(folder / f"net-{method}")["test"]


def test_folds_are_runs_with_a_summary(tmp_path):
    write(tmp_path, rows=200, split={"folds": 3, "validation": 0.2})
    done = imbalkit("baseline", "t.yaml", "--folder", "all", "--methods", "logistic", cwd=tmp_path)
    assert "over 3 folds" in done.stdout
    found = metrics(tmp_path / "all" / "logistic")
    assert found["folds"] == 3
    assert len(found["test"]["roc_auc"]["values"]) == 3
    pooled = pd.read_parquet(tmp_path / "all" / "logistic" / "predictions.parquet")
    assert sorted(pooled["source"]) == list(range(200))


def test_three_classes_and_a_class_that_training_lacks():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(90, 3)), np.repeat([0, 2, 3], 30)
    x[labels == 2, 0] += 3
    x[::7, 1] = np.nan
    held_out, none = Rows(x[::2], labels[::2]), Rows(x[:0], labels[:0])
    flags = np.zeros(3, dtype=bool)
    for validation in (held_out, none):
        found = boosting(Rows(x[1::2], labels[1::2]), validation, 4, 0, flags).logits(x)
        assert found.shape == (90, 4)
        assert (found[:, 1] == UNSEEN).all()
        assert np.isfinite(found).all()
        whole = Rows(np.nan_to_num(x[1::2]), labels[1::2])
        given = Rows(np.nan_to_num(validation.x), validation.labels)
        model = logistic(whole, given, 4, 0, flags)
        assert (model.logits(np.nan_to_num(x))[:, 1] == UNSEEN).all()
        assert ("no validation rows" in model.facts["text"]) == (validation is none)


def test_pictures_on_frozen_features_kept_in_a_file(tmp_path):
    (tmp_path / "d.yaml").write_text(
        yaml.safe_dump(
            {
                "data": {"name": "digits"},
                "backbone": {"name": "small_cnn"},
                "training": {"epochs": 1, "accelerator": "cpu"},
                "evaluation": {"resamples": 100},
            }
        )
    )
    call = ["baseline", "d.yaml", "--methods", "logistic", "--features", "f.parquet"]
    done = imbalkit(*call, "--folder", "a", cwd=tmp_path)
    assert "random weights" in done.stdout + done.stderr
    written = (tmp_path / "f.parquet").stat().st_mtime_ns
    imbalkit(*call, "--folder", "b", "--set", "split.seed=1", cwd=tmp_path)
    assert (tmp_path / "f.parquet").stat().st_mtime_ns == written
    found = metrics(tmp_path / "a" / "logistic")
    assert found["test"]["roc_auc"] > 0.6
    done = imbalkit(*call, "--folder", "c", "--set", "images.size=12", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "does not hold the features" in done.stderr


def test_refusals(tmp_path):
    recipe = write(tmp_path)
    patients(40).assign(outcome="ill").to_csv(tmp_path / "patients.csv", index=False)
    for words, why in (
        ((recipe,), "class"),
        ((recipe, "--methods", "forest"), "forest"),
        ((recipe, "--methods", ","), "none"),
        (("nowhere.yaml",), "nowhere.yaml"),
    ):
        done = imbalkit("baseline", *words, cwd=tmp_path, check=False)
        assert done.returncode
        assert why in done.stderr
    write(tmp_path)
    done = imbalkit("baseline", recipe, "--features", "f.parquet", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "leave out --features" in done.stderr
