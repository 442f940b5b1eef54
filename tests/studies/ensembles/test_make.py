"""One run of several: the mean of their probabilities, its own decision, a folder that stands alone."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imbalkit import Run, ensemble, run
from imbalkit.errors import DataError, ImbalkitError, RunError
from imbalkit.report.sections.errors import heat_maps
from imbalkit.runs.data_record import read_record
from imbalkit.runs.restore import restore
from imbalkit.studies.ensembles import make_ensemble
from tests.command_line import imbalkit
from tests.studies.ensembles.conftest import RECIPE

pytestmark = pytest.mark.slow


def mean_of(runs, images):
    """The mean of the members' probabilities [n, C], by their own `predict`."""
    answers = [Run.load(run).predict(images) for run in runs]
    columns = [name for name in answers[0] if name.startswith("probability_")]
    return np.mean([answer[columns].to_numpy(np.float64) for answer in answers], axis=0)


def corrected(mean, decision):
    """What the ensemble's own calibrator, a temperature, makes of mean probabilities."""
    (step,) = decision["corrections"]
    odds = mean ** (1 / step["fitted"]["temperature"])
    return odds / odds.sum(axis=1, keepdims=True)


def test_probabilities_are_the_mean_of_what_the_members_predict(ensemble_of_two, runs):
    ensemble = Run.load(ensemble_of_two)
    expected = corrected(mean_of(["a", "b"], "photographs/rare"), ensemble.metrics["decision"])
    answer = ensemble.predict("photographs/rare")
    assert answer[["probability_common", "probability_rare"]].to_numpy() == pytest.approx(expected, abs=1e-6)
    threshold = ensemble.metrics["decision"]["threshold"]
    assert (answer["decision"] == "rare").tolist() == (expected[:, 1] >= threshold).tolist()


def test_what_it_predicted_when_it_was_made_is_what_it_predicts(ensemble_of_two, runs):
    ensemble = Run.load(ensemble_of_two)
    then = ensemble.predictions
    now = ensemble.predict(then["path"].tolist())
    assert now["probability_rare"].to_numpy() == pytest.approx(then["probability_rare"].to_numpy(), abs=1e-6)
    assert now["decision"].tolist() == then["decision"].tolist()


def test_with_one_split_its_validation_and_test_rows_are_the_members(ensemble_of_two, trained):
    found, member = Run.load(ensemble_of_two), Run.load(trained / "a")
    rows = [run.predictions[["source", "split", "label", "group", "metadata_site"]] for run in (found, member)]
    pd.testing.assert_frame_equal(
        *(frame.sort_values("source", ignore_index=True) for frame in rows), check_dtype=False
    )
    assert found.metrics["ensemble"]["decided_on"] == "validation"
    assert found.metrics["test"]["n"] > 0


def test_members_are_compared_with_it_on_the_same_rows(ensemble_of_two, trained):
    facts = Run.load(ensemble_of_two).metrics["ensemble"]
    _, *members = facts["compared"]["runs"]
    for entry, name in zip(members, "ab", strict=True):
        of_run = Run.load(trained / name).metrics["test"]
        for metric in ("roc_auc", "log_loss", "balanced_accuracy"):
            found = entry["metrics"][metric]
            assert found["value"] == pytest.approx(of_run[metric], abs=1e-6)
            assert found["difference_low"] <= found["difference"] <= found["difference_high"]
    (pair,) = facts["diversity"]["pairs"]
    answers = [Run.load(trained / name).predictions for name in "ab"]
    assert pair["rows"] == len(answers[0])
    assert pair["disagreement"] == pytest.approx((answers[0]["decision"] != answers[1]["decision"]).mean())
    expected = np.corrcoef(*(answer["probability_rare"] for answer in answers))[0, 1]
    assert pair["correlation"] == pytest.approx(expected, abs=1e-6)
    assert facts["members"][1]["differs"] == "seed: 0 -> 1, loss: ce -> inverse_ce"


def test_commands_take_it_as_any_run(runs):
    made = imbalkit("ensemble", "a", "b", "--folder", "ab", cwd=runs)
    assert "run folder: ab" in made.stdout
    assert (runs / "ab/report.html").is_file()
    imbalkit("predict", "ab", "photographs/rare", "--out", "answers.csv", cwd=runs)
    assert len(pd.read_csv(runs / "answers.csv")) == 30
    assert "ab" in imbalkit("compare", "a", "b", "ab", "--resamples", "100", cwd=runs).stdout
    imbalkit("report", "ab", "--out", "again.html", cwd=runs)
    text = (runs / "again.html").read_text()
    assert "Members of the ensemble" in text
    assert "The losses of the members are <strong>ce and inverse_ce</strong>" in text
    assert "The network learned from the class shares" not in " ".join(text.split())
    assert "imbalkit ensemble a b --folder FOLDER" in text
    imbalkit("report", "ab/members/1", cwd=runs)
    of_three = imbalkit("ensemble", "ab", "cv/fold-0", "--folder", "abc", cwd=runs)
    assert "abc" in of_three.stdout
    assert len(Run.load(runs / "abc").facts["members"]) == 3


def test_without_resamples_members_have_no_intervals(runs):
    for name in ("a", "b"):
        recipe = runs / name / "recipe.yaml"
        recipe.write_text(recipe.read_text().replace("resamples: 100", "resamples: 0"))
    found = Run(make_ensemble(["a", "b"], "ab")).metrics["ensemble"]["compared"]["runs"]
    assert all(entry["metrics"]["roc_auc"]["low"] is None for entry in found)
    assert all(0 <= entry["metrics"]["roc_auc"]["value"] <= 1 for entry in found)


@pytest.mark.parametrize("order", [["sealed", "a"], ["a", "sealed"]])
def test_test_rows_that_a_member_left_untouched_stay_so(runs, order):
    run(RECIPE, ["seed=3", "evaluation.test=false"], folder="sealed")
    said = imbalkit("ensemble", *order, "--folder", "both", cwd=runs)
    assert "the test rows were left untouched" in said.stdout
    assert "sealed left the test rows untouched" in " ".join(said.stdout.split())
    both, of_a = Run.load("both"), Run.load("a").predictions
    assert set(both.predictions["split"]) == {"validation"}
    assert len(both.predictions) == (of_a["split"] == "validation").sum()
    assert (both.metrics["test"]["n"], both.metrics["ensemble"]["compared"]) == (0, None)
    assert not (runs / "both/report.html").exists()
    assert (read_record(runs / "both/data.parquet")["split"] == "test").sum() == (of_a["split"] == "test").sum()
    assert len(both.predict("photographs/rare")) == 30


def test_python_makes_one(runs):
    both = ensemble([Run.load("a"), "b"], folder="ab")
    assert isinstance(both, Run)
    assert len(both.facts["members"]) == 2


def test_it_stands_alone_wherever_it_is(ensemble_of_two, trained, tmp_path):
    images = sorted((trained / "photographs/rare").glob("*.png"))[:5]
    before = Run.load(ensemble_of_two).predict(images)
    moved = tmp_path / "elsewhere"
    shutil.copytree(ensemble_of_two, moved)
    facts = json.loads((moved / "run.json").read_text())
    (moved / "run.json").write_text(json.dumps(facts | {"directory": str(tmp_path / "gone")}))
    pd.testing.assert_frame_equal(Run.load(moved).predict(images), before)
    _, missing = __import__("imbalkit.report.rewrite", fromlist=["report_again"]).report_again(moved)
    assert any("cannot be read again" in line for line in missing)


def test_a_damaged_member_is_named(ensemble_of_two, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(ensemble_of_two, broken)
    weights = broken / "members/1/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(RunError, match=r"members/1/model\.safetensors is not a readable safetensors file"):
        restore(broken)
    shutil.rmtree(broken / "members/0")
    with pytest.raises(RunError, match=r"expected a run folder, there is none at .*members/0"):
        restore(broken)


def test_its_heat_map_is_the_mean_of_the_members(ensemble_of_two, trained, runs):
    files = sorted((trained / "photographs/rare").glob("*.png"))[:3]
    pixels = np.stack([np.asarray(Image.open(file).convert("RGB").resize((16, 16))) for file in files])
    targets = np.ones(3, dtype=np.int64)

    def maps(folder):
        heat, why = heat_maps(SimpleNamespace(model=restore(folder).model, why=""), pixels, targets)
        assert not why
        return heat

    alone = [maps(f"{ensemble_of_two}/members/{number}") for number in (0, 1)]
    scaled = [heat / np.maximum(heat.max(axis=(1, 2), keepdims=True), 1e-30) for heat in alone]
    np.testing.assert_allclose(maps(ensemble_of_two), np.mean(scaled, axis=0), atol=1e-5)

    metrics = json.loads((runs / "a/metrics.json").read_text())
    recipe = runs / "a/recipe.yaml"
    recipe.write_text(recipe.read_text().replace("name: youden", "name: fixed\n    value: 0.999"))
    make_ensemble(["a", "b"], "ab")
    assert metrics["test"]["n"]
    text = (runs / "ab/report.html").read_text()
    assert "the mean of the members' maps" in text
    assert "Grad-CAM: the same image" in text


def test_it_has_no_features(ensemble_of_two):
    with pytest.raises(RunError, match="an ensemble has no features of its own"):
        restore(ensemble_of_two).features(np.zeros((1, 16, 16, 3), np.uint8))


def test_its_network_averages_in_float64(ensemble_of_two):
    restored = restore(ensemble_of_two)
    images = torch.rand(3, 3, 16, 16)
    with torch.no_grad():
        parts = [member(images).exp() for member in restored.model.members]
        expected = torch.stack(parts).mean(dim=0).log()
        torch.testing.assert_close(restored.model(images), expected, rtol=1e-12, atol=1e-12)


def test_nothing_is_left_where_it_fails(runs, monkeypatch):
    def fail(*arguments, **options):
        raise DataError("no report today")

    monkeypatch.setattr("imbalkit.studies.ensembles.make.write_report", fail)
    before = sorted(runs.iterdir())
    with pytest.raises(ImbalkitError, match="no report today"):
        make_ensemble(["a", "b"], "ab")
    assert sorted(runs.iterdir()) == before


def test_members_of_different_priors_are_brought_to_that_of_the_data(runs):
    facts = json.loads((runs / "b/metrics.json").read_text())
    decision = facts["decision"]
    decision["corrections"] = [step for step in decision["corrections"] if step["stage"] == "calibrated"]
    (runs / "b/metrics.json").write_text(json.dumps(facts | {"decision": decision | {"prior": "as_trained"}}))
    make_ensemble(["a", "b"], "ab")
    ensemble = Run.load("ab")
    assert any("b were for the class prior of training" in note for note in ensemble.metrics["notes"])
    parts = [Run.load(name).predict("photographs/rare")["probability_rare"].to_numpy() for name in "ab"]
    data, effective = (np.array(list(facts["prior"][key].values())) for key in ("data", "effective"))
    odds = parts[1] / (1 - parts[1]) * (data[1] / data[0]) / (effective[1] / effective[0])
    mean = (parts[0] + odds / (1 + odds)) / 2
    expected = corrected(np.stack([1 - mean, mean], axis=1), ensemble.metrics["decision"])[:, 1]
    answer = ensemble.predict("photographs/rare")["probability_rare"]
    assert answer.to_numpy() == pytest.approx(expected, abs=1e-5)


# --- cross-validation -----------------------------------------------------------------------------------------------------


def test_a_cross_validation_predicts_with_all_its_folds(runs):
    imbalkit("predict", "cv", "photographs/rare", "--out", "answers.csv", cwd=runs)
    answer = pd.read_csv("answers.csv")
    expected = mean_of([f"cv/fold-{fold}" for fold in range(3)], "photographs/rare")[:, 1]
    assert answer["probability_rare"].to_numpy() == pytest.approx(expected, abs=1e-6)
    imbalkit("ensemble", "cv", "--folder", "folds", cwd=runs)
    pd.testing.assert_frame_equal(
        Run.load("folds").predict("photographs/rare"), Run.load("cv").predict("photographs/rare")
    )


def test_its_decision_is_of_rows_by_the_members_that_were_not_trained_on_them(runs):
    said = imbalkit("ensemble", "cv", "--folder", "folds", cwd=runs).stdout
    assert "no test rows: test metrics are unavailable" in said
    assert "test metrics of the ensemble are unavailable" in " ".join(said.split())
    ensemble, parts = Run.load("folds"), []
    for fold in range(3):
        frame = Run.load(f"cv/fold-{fold}").predictions
        parts.append(frame[["path", "probability_rare"]])
    expected = pd.concat(parts).groupby("path")["probability_rare"].mean()
    rows = ensemble.predictions.set_index("path")
    assert set(rows["split"]) == {"validation"}
    assert len(rows) == 120
    assert rows["probability_rare"].sort_index().to_numpy() == pytest.approx(expected.sort_index().to_numpy(), abs=1e-6)
    assert ensemble.metrics["test"]["n"] == 0
    assert ensemble.metrics["test"]["roc_auc"] is None
    assert ensemble.metrics["decision"]["corrections"] == []
    text = (runs / "folds/report.html").read_text()
    assert "metrics of this model are unavailable" in text
    assert "How good the ensemble is" in text
    refused = imbalkit("compare", "folds", "a", cwd=runs, check=False)
    assert "folds has no test rows" in refused.stderr


def test_folds_are_decided_out_of_fold_though_some_rows_are_held_out_by_all(runs, monkeypatch):
    monkeypatch.setattr("imbalkit.runs.pool.LEAST", 1)
    folds = Run(make_ensemble(["cv"], "folds"))
    assert folds.metrics["ensemble"]["decided_on"] == "out_of_fold"
    assert len(folds.predictions) == 120
    assert any("are the folds of a cross-validation" in note for note in folds.metrics["notes"])


def test_rows_that_a_member_was_trained_on_have_no_say(runs):
    before = json.loads(json.dumps(restore("cv").decision.to_json()))
    for fold in range(3):  # a fold that claims to know its training rows, and how
        folder = runs / f"cv/fold-{fold}"
        record, frame = read_record(folder / "data.parquet"), pd.read_parquet(folder / "predictions.parquet")
        poison = frame.iloc[:1].loc[frame.index[:1].repeat((record["split"] == "train").sum())].copy()
        poison["source"] = np.flatnonzero(record["split"] == "train")
        poison["logit_common"], poison["logit_rare"] = 50.0, -50.0
        pd.concat([frame, poison]).to_parquet(folder / "predictions.parquet", index=False)
    assert restore("cv").decision.to_json() == before


# --- refusals -------------------------------------------------------------------------------------------------------------


def edited(path, **changes):
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["common", "odd"]}, "a and b have different classes: common, rare; common, odd"),
        ({"classes": ["rare", "common"]}, "a and b have their classes in another order"),
        ({"positive": "common"}, "a and b have different positive classes: rare; common"),
        ({"image_shape": [16, 16, 1]}, "a and b take images of 3 and of 1 channels"),
        ({"image_shape": [16, 24, 3]}, "a and b take images of 16 x 16 px and of 16 x 24 px"),
    ],
)
def test_members_that_do_not_fit_are_refused(runs, changes, message):
    if "classes" in changes:  # before what depends on their names
        metrics = json.loads((runs / "b/metrics.json").read_text())
        (runs / "b/metrics.json").write_text(json.dumps(metrics))
        recipe = (runs / "b/recipe.yaml").read_text().replace("positive: rare", f"positive: {changes['classes'][1]}")
        (runs / "b/recipe.yaml").write_text(recipe)
    edited(runs / "b/run.json", **changes)
    refused = imbalkit("ensemble", "a", "b", "--folder", "ab", cwd=runs, check=False)
    assert refused.returncode == 1
    assert message in refused.stderr
    assert "leave one out, or train it with the same `" in refused.stderr
    assert not (runs / "ab").exists()


def test_members_that_resize_otherwise_are_refused(runs):
    recipe = (runs / "b/recipe.yaml").read_text()
    (runs / "b/recipe.yaml").write_text(recipe.replace("resize: stretch", "resize: crop"))
    with pytest.raises(RunError, match=r"fit in different ways \(images\.resize: stretch; crop\)"):
        make_ensemble(["a", "b"], "ab")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a"], "needs two runs or more, or the folder of a cross-validation, got a"),
        (["a", "b", "a"], "a is named twice"),
        (["a", "photographs"], "is not a run folder"),
        (["cv", "cv/fold-1"], "cv/fold-1 is named twice"),
    ],
)
def test_what_makes_no_ensemble(runs, given, message):
    refused = imbalkit("ensemble", *given, "--folder", "ab", cwd=runs, check=False)
    assert refused.returncode == 1
    assert message in refused.stderr
    assert not (runs / "ab").exists()


def test_members_that_cannot_predict_are_refused(runs):
    shutil.copytree("a", "gone")
    weights = runs / "gone" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])
    with pytest.raises(RunError, match=r"model\.safetensors is not a readable safetensors file"):
        make_ensemble(["b", "gone"], "ab")
    weights.unlink()
    with pytest.raises(RunError, match=r"gone/model\.safetensors is not there"):
        make_ensemble(["b", "gone"], "ab")
    weights.write_bytes(whole)
    facts = json.loads((runs / "gone" / "run.json").read_text())
    (runs / "gone" / "run.json").write_text(json.dumps({**facts, "baseline": {"method": "knn"}}))
    with pytest.raises(RunError, match=r"gone holds a baseline \(knn\)"):
        make_ensemble(["b", "gone"], "ab")
    assert not (runs / "ab").exists()


def test_a_network_counts_once(runs):
    shutil.copytree("a", "copy")
    with pytest.raises(RunError, match="a and copy have the same weights and would count twice"):
        make_ensemble(["a", "b", "copy"], "ab")
    make_ensemble(["a", "b"], "ab")
    with pytest.raises(RunError, match="ab/members/0 and a have the same weights"):
        make_ensemble(["ab", "a"], "more")


def test_a_folder_that_holds_something_is_left_alone(runs):
    with pytest.raises(RunError, match="b is not empty: choose another folder"):
        make_ensemble(["a", "cv/fold-0"], "b")


def test_data_that_cannot_be_matched_are_refused(runs):
    file = runs / "b/data.parquet"
    record = pd.read_parquet(file)
    record.assign(label=record["label"].iloc[::-1].to_numpy()).to_parquet(file)
    with pytest.raises(RunError, match="rows have another label in the data of b"):
        make_ensemble(["a", "b"], "ab")
    record.assign(content=record["content"] + np.uint64(1)).to_parquet(file)
    with pytest.raises(RunError, match="rows have other content in the data of b"):
        make_ensemble(["a", "b"], "ab")
    record.drop(columns=["path", "content"]).assign(content=record["content"]).drop(columns="content").to_parquet(file)
    with pytest.raises(RunError, match="does not say which rows it was trained on"):
        make_ensemble(["a", "b"], "ab")
    file.unlink()
    with pytest.raises(RunError, match=r"b does not say which rows it was trained on \(no data\.parquet"):
        make_ensemble(["a", "b"], "ab")
