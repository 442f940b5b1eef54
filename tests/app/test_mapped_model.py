"""On the page: a loss whose map is in the file, an ensemble, and averaged views: the graph holds them all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imbalkit_app.contents import app_contents, read_model

import imbalkit
from imbalkit.functional.metrics import softmax
from imbalkit.runs.restore import restore
from tests.app.browsing import HAM10000, Visit, hosted, launching
from tests.command_line import imbalkit as command
from tests.without_charts import without_charts

CLASSES = ("mel", "nv")
LOSSES = {"focal": "{name: focal, gamma: 3}", "label_smoothing": "{name: ce, label_smoothing: 0.3}"}
pytestmark = [
    pytest.mark.skipif(not HAM10000.exists(), reason="needs ../shared/data/ham10000"),
    pytest.mark.slow,  # a browser, a training and a converter
]


@pytest.fixture(scope="module", params=[*sorted(LOSSES), "ensemble", "views"])
def run(request, tmp_path_factory) -> Path:
    """The folder of a run on 160 photographs, 40 of them melanomas, with an exported file.

    Or of an ensemble of both losses, whose members average views in the last case.
    """
    for module in ("litert_torch", "ai_edge_litert"):
        pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[tflite]'")
    folder = tmp_path_factory.mktemp(request.param)
    rows = pd.read_csv(HAM10000 / "labels.csv")
    rows = pd.concat([rows[rows["dx"] == name].head(count) for name, count in zip(CLASSES, (40, 120), strict=True)])
    rows["path"] = [str(HAM10000 / path) for path in rows["path"]]
    rows[["path", "dx"]].to_csv(folder / "labels.csv", index=False)
    recipe = {
        "data": {"name": "table", "file": str(folder / "labels.csv"), "label_column": "dx"},
        "images": {"size": 32},
        "backbone": {"name": "small_cnn", "width": 8},
    }
    overrides = [
        "training={epochs: 6, batch_size: 16, optimizer: {lr: 0.01}, monitor: last}",
        "decision={prior: data}",
        "evaluation={resamples: 0}",
    ]
    losses = LOSSES if request.param in ("ensemble", "views") else {request.param: LOSSES[request.param]}
    if request.param == "views":
        overrides.append("predict={views: flips}")
    with without_charts():
        runs = [
            imbalkit.run(recipe, overrides=[*overrides, f"loss={loss}"], folder=folder / name)
            for name, loss in losses.items()
        ]
        made = runs[0] if len(runs) == 1 else imbalkit.ensemble(runs, folder=folder / "ensemble")
    loose = ("--auc", "1", "--sensitivity", "1", "--ece", "1", "--flips", "1")
    command("export", made, "--to", "tflite", *loose, cwd=folder)
    return Path(made)


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    return sorted((HAM10000 / "images").glob("*.jpg"))[:12]


def predicted(what: Path, photographs: list[Path], out: Path) -> np.ndarray:
    """Probabilities [n, 2] that `imbalkit predict` gives, in the order of the photographs."""
    command("predict", what, *photographs, "--out", out, cwd=out.parent)
    rows = pd.read_json(out, lines=True).set_index("path")
    return rows.loc[list(map(str, photographs)), [f"probability_{name}" for name in CLASSES]].to_numpy()


def test_the_page_gives_the_probabilities_of_predict(built, run, photographs, tmp_path):
    (file,) = run.glob("*.tflite")
    of_file = predicted(file, photographs, tmp_path / "file.jsonl")
    of_run = predicted(run, photographs, tmp_path / "run.jsonl")
    with launching() as launch, hosted(app_contents(built, *read_model(file, "0.1.0"))) as address:
        browser = launch()
        app = Visit(browser, address).ready()
        shown = np.array([app.open_picture(path)["probabilities"] for path in photographs])
        app.end()
        browser.close()
    assert np.abs(shown - of_file).max() < 1e-3
    assert np.abs(shown - of_run).max() < 1e-3
    decision = restore(run).decision
    if decision.map is None:
        assert run.name == "ensemble"
        return
    # The map is not nothing: without it the same network says something else.
    logits = pd.read_parquet(run / "predictions.parquet")[[f"logit_{name}" for name in CLASSES]].to_numpy()
    assert np.abs(softmax(logits) - decision.probabilities(logits)).max() > 0.02
