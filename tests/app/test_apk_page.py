"""The page out of a finished APK, in a browser that is what a WebView is: no network, no shared memory, no service worker.

Its answers to photographs are those of `imbalkit predict`, and all that it asks for is in the APK.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from imbalkit_lite import open_model, read_image
from tests.app.browsing import HAM10000, film, launching
from tests.app.models import CARD, OTHER, middle, with_card
from tests.app.webview import BRIDGE, FLAGS, ORIGIN, WebView
from tests.command_line import imbalkit

pytest.importorskip("cryptography", reason="needs cryptography: pip install 'imbalkit[app]'")
pytestmark = pytest.mark.slow  # a browser

PAGE = "assets/page/"
NOT_SHARED = BRIDGE + "delete globalThis.SharedArrayBuffer;"
NOT_LOADED = {"litert/LICENSE.txt", "litert/litert_wasm_compat_internal.js", "litert/litert_wasm_compat_internal.wasm"}
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    """50 of ham10000, without it the two that come with scikit-learn."""
    if HAM10000.exists():
        return sorted((HAM10000 / "images").glob("*.jpg"))[:50]
    datasets = pytest.importorskip("sklearn.datasets", reason="needs photographs: scikit-learn's or ham10000's")
    return [Path(name) for name in datasets.load_sample_images().filenames]


@pytest.fixture(scope="module", params=["threshold", "crop and abstain"])
def files(request, model, built, photographs, tmp_path_factory) -> dict[str, Any]:
    """A model of two kinds of decision, what `imbalkit predict` says of the photographs, and the files of its APK's page."""
    folder = tmp_path_factory.mktemp("apk")
    engine = open_model(model)
    card = replace(CARD, threshold=middle(_probabilities(engine, photographs)[:, 1]))
    path = with_card(model, folder / "mine.tflite", card if request.param == "threshold" else OTHER)
    imbalkit("predict", path, *photographs, "--out", "rows.jsonl", cwd=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMBALKIT_APP_CERTIFICATES", str(folder))
        imbalkit("app", path, "--apk", "mine.apk", cwd=folder)
    with zipfile.ZipFile(folder / "mine.apk") as archive:
        page = {name.removeprefix(PAGE): archive.read(name) for name in archive.namelist() if name.startswith(PAGE)}
    return {"page": page, "rows": pd.read_json(folder / "rows.jsonl", lines=True), "card": open_model(path).card}


def _probabilities(engine: Any, photographs: list[Path]) -> np.ndarray:
    return engine.probabilities(np.stack([read_image(path, engine.rule) for path in photographs]))


@pytest.fixture(scope="module")
def browser(photographs, tmp_path_factory) -> Iterator[Any]:
    path = film(photographs[:2], tmp_path_factory.mktemp("film") / "camera.mjpeg")
    with launching() as launch:
        started = launch(*FLAGS, *CAMERA, f"--use-file-for-fake-video-capture={path}")
        yield started
        started.close()


@pytest.fixture
def app(browser, files) -> Iterator[WebView]:
    visit = WebView(browser, files["page"], bridge=NOT_SHARED, service_workers="block")
    visit.ready()
    yield visit
    visit.end()


def test_photographs_get_the_predictions_of_imbalkit_predict(app, files, photographs):
    page, rows, card = files["page"], files["rows"], files["card"]
    state = app.page.evaluate("() => [origin + '/', isSecureContext, typeof SharedArrayBuffer]")
    assert state == [ORIGIN, True, "undefined"]
    apart = []
    for photograph, (_, row) in zip(photographs, rows.iterrows(), strict=True):
        result = app.open_picture(photograph)
        expected = row[[f"probability_{name}" for name in card.classes]].to_numpy(float)
        apart.append(np.abs(np.array(result["probabilities"]) - expected).max())
        assert result["abstained"] == bool(row.get("abstained", False))
        assert result["decision"] == row["decision"]
    assert max(apart) < 1e-5
    asked = {url.removeprefix(ORIGIN) or "index.html" for url in app.requests if url.startswith(ORIGIN)}
    assert asked <= page.keys() | {"manifest.webmanifest", "sw.js"}
    assert page.keys() - asked <= NOT_LOADED  # nothing is carried along that is not used


def test_the_camera_reads_on_one_thread(app):
    app.part("start").click()
    assert all(0 <= each <= 1 for each in app.probabilities(2))
    assert app.part("panel").get_attribute("data-accelerator") == "wasm"
