"""Model files and a stand-in for the built page, made once a session and only read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.app.models import CARD, write_model
from tests.made_once import made_once

STUB = {
    "index.html": "<!doctype html><title>stub</title>",
    "sw.js": 'importScripts("files.js");',
    "files.js": 'self.FILES = {"version": "dev", "files": []};',
    "manifest.webmanifest": '{"name": "imbalkit", "short_name": "imbalkit", "start_url": "./", "icons": []}',
    "assets/index-a1b2c3.js": "export {};",
    "assets/index-d4e5f6.css": "body {}",
    "icons/192.png": "no picture",
    "litert/litert.wasm": "\0asm",
}


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A small TFLite file with the card CARD."""
    for module in ("litert_torch", "ai_edge_litert"):
        pytest.importorskip(module, reason=f"needs {module}: pip install 'imbalkit[tflite]'")
    folder = made_once(tmp_path_factory, "app", lambda folder: write_model(folder / "moles.tflite", CARD))
    return folder / "moles.tflite"


@pytest.fixture(scope="session")
def built() -> Path:
    """The real page, built if it is not, or is older than its sources."""
    from imbalkit_app.building import is_fresh
    from imbalkit_app.page import PACKAGE, find_page

    if not is_fresh(PACKAGE / "web") and shutil.which("npm") is None:
        pytest.skip("needs npm, to build the page")
    return find_page(lambda text: None)


@pytest.fixture
def stub(tmp_path) -> Path:
    """A folder as `npm run build` would leave it, of empty files."""
    folder = tmp_path / "stub"
    for name, text in STUB.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def stub_page(stub, monkeypatch) -> Path:
    """The command takes the stand-in for the page."""
    monkeypatch.setattr("imbalkit_app.page.find_page", lambda report: stub)
    return stub
