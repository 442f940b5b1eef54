"""A run folder as charts and sections see it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from imbalkit.decision.corrections import PREVALENCE, offset
from imbalkit.decision.decision import Decision
from imbalkit.errors import RunError
from imbalkit.runs.results import RunData
from tests.report.made_up import run_of, scored


def test_what_was_predicted(made_up):
    run = RunData.load(made_up)
    side, labels = run.split_rows(), scored(400, 60, distinct=60)[0]
    assert (run.name, run.classes, run.positive, run.other) == ("made-up", ("other", "melanoma"), 1, "other")
    assert np.array_equal(side.labels, labels)
    assert np.array_equal(side.decisions, (side.probabilities[:, 1] >= 0.3).astype(int))
    assert len(run.split_rows("validation")) == 60
    assert side.groups is None
    assert not side.grouped
    assert not side.abstained.any()
    assert side.at_data_prior is side.probabilities


def test_rows_without_a_group_are_groups_of_their_own(tmp_path):
    labels, logits = scored(6, 3)
    groups = np.array(["a", "a", None, None, "b", None], dtype=object)
    side = RunData.load(run_of(tmp_path / "run", labels, logits, groups=groups, validation=0)).split_rows()
    assert len(np.unique(side.groups)) == 5
    assert side.groups[0] == side.groups[1]
    assert side.grouped


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
    side = RunData.load(folder, metrics).split_rows()
    np.testing.assert_allclose(side.probabilities, decision.probabilities(logits))
    np.testing.assert_allclose(side.at_data_prior, decision.at_data_prior(logits))
    assert abs(side.at_data_prior[:, 1].mean() - side.probabilities[:, 1].mean()) > 0.1


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
