"""The network of a run as a Predictor: its numbers, another threshold, and memory that does not grow."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from imbalkit.decision.decision import Abstention
from imbalkit.errors import DataError, RunError
from imbalkit.notebook.run import Run
from imbalkit.runs.predictor import RunPredictor, predict_arrays, predict_inputs
from imbalkit.runs.restore import restore
from imbalkit_lite.inputs import Files, Inputs
from imbalkit_lite.predicting import predict_rows
from imbalkit_lite.predictor import BatchPrediction


@pytest.fixture(scope="module")
def restored(finished_run):
    return restore(finished_run)


@pytest.fixture(scope="module")
def paths(photographs):
    return [str(path) for path in sorted(photographs.rglob("*.png"))]


def test_answers_are_those_of_the_decision(restored, paths):
    predictor = RunPredictor.of(restored)
    assert (predictor.classes, predictor.positive, predictor.channels) == (("common", "rare"), 1, 3)
    assert predictor.rule == restored.rule
    assert predictor.batch_size == 16
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 24, 3), dtype=np.uint8)
    logits, prediction = restored.logits(pixels), predictor.predict(pixels)
    assert np.array_equal(prediction.probabilities, restored.decision.probabilities(logits))
    assert np.array_equal(prediction.decisions, restored.decision.decide(logits))
    assert np.array_equal(prediction.abstained, restored.decision.abstains(logits))


@pytest.mark.parametrize("batch_size", [1, 7, 500])
def test_batches_are_as_large_as_asked_and_change_nothing(restored, paths, batch_size, monkeypatch):
    predictor = RunPredictor.of(restored, batch_size=batch_size)
    sizes = []
    forward = type(restored.model).forward
    monkeypatch.setattr(
        type(restored.model), "forward", lambda self, images: sizes.append(len(images)) or forward(self, images)
    )
    frame = predict_inputs(Inputs((Files(paths[:20]),)), predictor)
    assert max(sizes) == min(batch_size, 20)
    expected = restored.decision.probabilities(restored.logits(paths[:20]))
    np.testing.assert_allclose(frame[["probability_common", "probability_rare"]], expected, atol=1e-5, rtol=0)


def test_the_frame_of_pixels_has_neither_path_nor_error(restored):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 50, 60, 3), dtype=np.uint8)
    frame = predict_arrays(pixels, RunPredictor.of(restored))
    assert list(frame) == ["decision", "abstained", "probability_common", "probability_rare"]
    assert frame["abstained"].dtype == "boolean"
    assert frame["probability_rare"].to_numpy() == pytest.approx(
        restored.decision.probabilities(restored.logits(pixels))[:, 1]
    )


def test_another_threshold_leaves_the_run_as_it_is(restored, paths):
    before = restored.decision.threshold
    predictor = RunPredictor.of(restored, threshold=1.0)
    frame = predict_inputs(Inputs((Files(paths),)), predictor)
    assert set(frame["decision"]) == {"common"}
    assert restored.decision.threshold == before
    always = predict_inputs(Inputs((Files(paths[:3]),)), RunPredictor.of(restored, threshold=0))
    assert set(always["decision"]) == {"rare"}


def test_another_threshold_goes_before_costs(restored, paths):
    costly = replace(restored, decision=replace(restored.decision, threshold=None, costs=((0.0, 1.0), (0.0, 1.0))))
    assert set(predict_inputs(Inputs((Files(paths[:3]),)), RunPredictor.of(costly))["decision"]) == {"common"}
    frame = predict_inputs(Inputs((Files(paths[:3]),)), RunPredictor.of(costly, threshold=0.0))
    assert set(frame["decision"]) == {"rare"}


@pytest.mark.parametrize("costs", [None, ((0.0, 1.0), (5.0, 0.0))])
def test_another_threshold_leaves_abstention_as_it_was(restored, paths, costs):
    probabilities = restored.decision.probabilities(restored.logits(paths))
    certainty = probabilities.max(axis=1) if costs is None else -(probabilities @ np.array(costs)).min(axis=1)
    limit = float(np.median(1 - certainty if costs is None else -certainty))
    changed = {"threshold": None, "costs": costs, "abstention": Abstention("the less certain half", limit=limit)}
    own = replace(restored, decision=replace(restored.decision, **changed))
    half = predict_inputs(Inputs((Files(paths),)), RunPredictor.of(own))["abstained"]
    assert 0 < half.sum() < len(half)
    assert (
        predict_inputs(Inputs((Files(paths),)), RunPredictor.of(own, threshold=0.9))["abstained"].tolist()
        == half.tolist()
    )


def test_what_cannot_be_is_refused(restored, finished_run_of_digits):
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(RunError, match="expected a threshold from 0 to 1, got"):
            RunPredictor.of(restored, threshold=threshold)
    with pytest.raises(RunError, match="batch size of at least 1, got 0"):
        RunPredictor.of(restored, batch_size=0)
    with pytest.raises(RunError, match="no positive class to put a threshold to: of 0, 1, 2"):
        RunPredictor.of(restore(finished_run_of_digits), threshold=0.5)
    with pytest.raises(DataError, match="expected images uint8"):
        predict_arrays(np.zeros((2, 32, 24, 3)), RunPredictor.of(restored))


class Constant:
    """Answers the same to every picture, and remembers how much memory there was."""

    classes, positive, channels, batch_size = ("common", "rare"), 1, 3, 64
    encoding = None

    def __init__(self, rule):
        import psutil

        self.rule, self.memory, self._process = rule, [], psutil.Process()

    def predict(self, pixels):
        self.memory.append(self._process.memory_info().rss)
        count = len(pixels)
        return BatchPrediction(np.tile([0.9, 0.1], (count, 1)), np.zeros(count, np.int64), np.zeros(count, np.bool_))


def test_memory_does_not_grow_with_the_number_of_files(restored, paths):
    predictor = Constant(restored.rule)
    inputs = Inputs((Files(paths * 50),))
    assert sum(1 for _ in predict_rows(inputs, predictor)) == 6000
    early, late = predictor.memory[5], max(predictor.memory[20:])
    assert late - early < 4e6  # 6000 decoded pictures are 14 MB


def test_a_table_in_memory_keeps_its_columns(restored, paths):
    table = pd.DataFrame({"age": [40, 50], "image": paths[:2], "decision": ["a", None]})
    frame = Run(restored.folder).predict(table, column="image")
    assert frame["path"].tolist() == paths[:2]
    assert frame["age"].tolist() == [40, 50]
    assert frame["decision_in_table"][0] == "a"
    assert frame["decision_in_table"].isna().tolist() == [False, True]
