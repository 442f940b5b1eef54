"""Run folders with predictions that a test makes up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imbalkit.decision.decision import Abstention, Decision
from imbalkit.runs import folder as run_folder
from tests.finished_runs import write_finished_run


def make_run(
    folder: Path,
    labels: Any,
    scores: Any,
    groups: Any = None,
    threshold: float = 0.5,
    classes: tuple[str, ...] = ("benign", "melanoma"),
    positive: str | None = "melanoma",
    paths: Any = None,
    sources: Any = None,
    undecided: tuple[float, float] | None = None,
    **facts: Any,
) -> Path:
    """A finished run on rows with these label codes [n] and scores: logits [n, C], or [n] of the positive class of two."""
    scores = np.asarray(scores, dtype=np.float32)
    code = None if positive is None else classes.index(positive)
    decision = Decision(
        threshold if positive else None,
        positive=code,
        abstention=Abstention("a band", band=undecided) if undecided else None,
        rows=(1,) * len(classes),
    )
    columns = {"path": paths, "group": groups}
    write_finished_run(
        folder,
        labels,
        np.stack([-scores / 2, scores / 2], axis=1) if scores.ndim == 1 else scores,
        classes,
        decision,
        columns={name: values for name, values in columns.items() if values is not None},
        sources=sources,
        train_counts=[90, 10, *[5] * (len(classes) - 2)],
    )
    run_folder.note(folder, **facts)
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
