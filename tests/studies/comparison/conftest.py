"""Run folders as `imbalkit run` leaves them, with predictions that a test makes up."""

import json

import numpy as np
import pandas as pd
import pytest

from imbalkit.functional.metrics import softmax


def make_run(
    folder,
    labels,
    scores,
    groups=None,
    threshold=0.5,
    classes=("benign", "melanoma"),
    positive="melanoma",
    paths=None,
    sources=None,
    abstained=(),
    **facts,
):
    """A finished run on rows with these label codes [n] and scores: logits [n, C], or [n] of the positive class of two."""
    folder.mkdir(parents=True)
    labels, scores = np.asarray(labels), np.asarray(scores, dtype=np.float32)
    logits = np.stack([-scores / 2, scores / 2], axis=1) if scores.ndim == 1 else scores
    probabilities, names = softmax(logits), np.array(classes, dtype=object)
    decisions = probabilities.argmax(axis=1)
    if positive is not None:
        code = classes.index(positive)
        decisions = np.where(probabilities[:, code] >= threshold, code, 1 - code)
    frame = pd.DataFrame({"source": np.arange(len(labels)) if sources is None else sources, "split": "test"})
    frame["label"], frame["decision"] = names[labels], names[decisions]
    if paths is not None:
        frame["path"] = paths
    if groups is not None:
        frame["group"] = groups
    frame["abstained"] = np.isin(np.arange(len(labels)), abstained)
    for index, name in enumerate(classes):
        frame[f"probability_{name}"], frame[f"logit_{name}"] = probabilities[:, index], logits[:, index]
    other = frame.iloc[:1].assign(split="validation", source=len(labels) + 1000)
    pd.concat([other, frame]).to_parquet(folder / "predictions.parquet", index=False)
    run = {"name": folder.name, "recipe_hash": folder.name, "seed": 0, "classes": list(classes), "positive": positive}
    (folder / "run.json").write_text(json.dumps(run | facts))
    class_counts = [{"stage": "train", "counts": [90, 10, *[5] * (len(classes) - 2)]}]
    metrics = {
        "test": {"n": len(labels)},
        "decision": {"threshold": threshold if positive else None},
        "class_counts": class_counts,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "recipe.yaml").write_text("seed: 0\nsplit: {fold: null}\n")
    return folder


@pytest.fixture(name="make_run")
def fixture_make_run():
    """`make_run`, for tests that write their own."""
    return make_run


@pytest.fixture
def two_runs(tmp_path):
    """Runs on 200 rows, 60 of them positive; the second one ranks better."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(200) < 60).astype(int)
    shared = rng.normal(size=200)
    for name, apart in (("plain", 1.0), ("better", 3.0)):
        make_run(tmp_path / name, labels, apart * (labels - 0.5) + shared + 0.5 * rng.normal(size=200))
    return tmp_path / "plain", tmp_path / "better"
