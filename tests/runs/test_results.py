"""The reader of run folders: each file at its first use, and what is wrong with it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit.decision.corrections import PREVALENCE, offset
from imbalkit.decision.decision import Decision
from imbalkit.errors import RunError
from imbalkit.runs.data_record import known_record
from imbalkit.runs.results import RunData
from tests.report.made_up import run_of, scored


@pytest.fixture
def made_up(tmp_path):
    labels, logits = scored(400, 60, distinct=60)
    return run_of(tmp_path / "run", labels, logits)


def test_what_was_predicted(made_up):
    run = RunData.load(made_up)
    rows, labels = run.split_rows(), scored(400, 60, distinct=60)[0]
    assert (run.name, run.classes, run.positive, run.other) == ("made-up", ("other", "melanoma"), 1, "other")
    assert np.array_equal(rows.labels, labels)
    assert np.array_equal(rows.decisions, (rows.probabilities[:, 1] >= 0.3).astype(int))
    assert len(run.split_rows("validation")) == 60
    assert rows.groups is None
    assert not rows.grouped
    assert not rows.abstained.any()
    assert rows.at_data_prior is rows.probabilities


def test_rows_without_a_group_are_groups_of_their_own(tmp_path):
    labels, logits = scored(6, 3)
    groups = np.array(["a", "a", None, None, "b", None], dtype=object)
    rows = RunData.load(run_of(tmp_path / "run", labels, logits, groups=groups, validation=0)).split_rows()
    assert len(np.unique(rows.groups)) == 5
    assert rows.groups[0] == rows.groups[1]
    assert rows.grouped


def test_probabilities_for_a_stated_prevalence_are_moved_back(tmp_path):
    labels, logits = scored(50, 20)
    move = offset(PREVALENCE, np.array([0.6, 0.4]), np.array([0.98, 0.02]))
    decision = Decision(0.1, corrections=(move,), prior="stated", positive=1, rows=(1, 1))
    folder = run_of(tmp_path / "run", labels, logits)
    frame = pd.read_parquet(folder / "predictions.parquet")
    moved = decision.probabilities(logits)[frame["source"] % 50]  # validation rows are test rows again
    frame["probability_other"], frame["probability_melanoma"] = moved.T
    frame.to_parquet(folder / "predictions.parquet")
    metrics = json.loads((folder / "metrics.json").read_text()) | {"decision": decision.to_json()}
    rows = RunData.load(folder, metrics).split_rows()
    np.testing.assert_allclose(rows.probabilities, decision.probabilities(logits))
    np.testing.assert_allclose(rows.at_data_prior, decision.at_data_prior(logits))
    assert abs(rows.at_data_prior[:, 1].mean() - rows.probabilities[:, 1].mean()) > 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "run.json").unlink(), "is not a run folder: expected recipe.yaml and run.json"),
        (lambda folder: (folder / "metrics.json").unlink(), "is not finished"),
        (lambda folder: (folder / "predictions.parquet").unlink(), "predictions.parquet cannot be read"),
        (lambda folder: (folder / "recipe.yaml").write_text("a: [b"), "recipe.yaml cannot be read"),
        (
            lambda folder: (folder / "metrics.json").write_text('{"folds": 3}'),
            r"holds 3 folds, each with a model of its own: name one, such as .*fold-0",
        ),
    ],
)
def test_what_is_no_finished_run(made_up, tmp_path, change, message):
    folder = tmp_path / "copy"
    shutil.copytree(made_up, folder)
    change(folder)
    with pytest.raises(RunError, match=message):
        RunData.load(folder)


def test_files_are_read_when_they_are_used(made_up):
    (made_up / "predictions.parquet").write_bytes(b"damaged")
    (made_up / "plan.parquet").unlink()
    run = RunData(made_up)
    run.check_single()
    assert (run.name, run.threshold, run.recipe["backbone"]["name"]) == ("made-up", 0.3, "small_cnn")
    with pytest.raises(RunError, match=r"predictions\.parquet cannot be read"):
        run.split_rows()
    with pytest.raises(RunError, match=r"plan\.parquet cannot be read"):
        _ = run.audit
    (made_up / "data.parquet").unlink(missing_ok=True)
    with pytest.raises(RunError, match=r"predictions\.parquet cannot be read"):
        known_record(made_up)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.json", '{"test": ', r"metrics\.json cannot be read \(.*put it back from a copy"),
        ("metrics.json", "{}", r"metrics\.json cannot be read: expected folds or decision in it"),
        ("run.json", "[]", r"run\.json cannot be read: expected what `imbalkit run` writes"),
        ("recipe.yaml", "digits", r"recipe\.yaml cannot be read: expected the recipe of a run, got 'digits'"),
    ],
)
def test_damaged_files_are_named(made_up, name, content, message):
    (made_up / name).write_text(content)
    with pytest.raises(RunError, match=message):
        RunData.load(made_up)


def test_keys_of_earlier_versions_have_their_present_names(made_up):
    metrics = json.loads((made_up / "metrics.json").read_text())
    metrics["ladder"] = metrics.pop("class_counts")
    metrics["subgroups"] = [{"column": "site", "figures": {"n": 3}}]
    (made_up / "metrics.json").write_text(json.dumps(metrics))
    run = RunData(made_up)
    assert run.smallest_first == [1, 0]
    assert run.metrics["subgroups"] == [{"column": "site", "metrics": {"n": 3}}]


def test_what_stands_in_for_files_is_used(made_up):
    (made_up / "metrics.json").unlink()
    rows = pd.read_parquet(made_up / "predictions.parquet").query("split == 'test'").head(3)
    run = RunData(made_up, {"decision": {"threshold": 0.7}}, rows)
    assert run.threshold == 0.7
    assert len(run.split_rows()) == 3
    assert len(run.split_rows("validation")) == 0
