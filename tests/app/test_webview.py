"""The page inside Android's app: its own origin without a network, one thread, the bridge in place of downloads."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from imbalkit_app.apk.build import page_files
from imbalkit_app.contents import app_contents, read_model

from imbalkit_lite import open_model, read_image
from tests.app.browsing import HAM10000, film, launching
from tests.app.webview import BRIDGE, FLAGS, ORIGIN, WebView

pytestmark = [
    pytest.mark.skipif(not HAM10000.exists(), reason="needs ../shared/data/ham10000"),
    pytest.mark.slow,  # a browser
]

FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def photographs():
    return sorted((HAM10000 / "images").glob("*.jpg"))[:50]


@pytest.fixture(scope="module")
def files(built, model):
    return page_files(app_contents(built, *read_model(model, "0.1.0")))


@pytest.fixture(scope="module")
def launch():
    with launching() as launch:
        yield launch


@pytest.fixture(scope="module")
def browser(launch, photographs, tmp_path_factory):
    path = film(photographs[:2], tmp_path_factory.mktemp("film") / "camera.mjpeg")
    started = launch(*FLAGS, *FAKE_CAMERA, f"--use-file-for-fake-video-capture={path}")
    yield started
    started.close()


@pytest.fixture
def app(browser, files):
    visit = WebView(browser, files).ready()
    yield visit
    visit.end()


def test_photographs_get_the_predictions_of_predict_on_one_thread(app, model, photographs):
    assert app.page.evaluate("() => [origin + '/', isSecureContext, crossOriginIsolated]") == [ORIGIN, True, False]
    found = np.array([app.open_picture(path)["probabilities"] for path in photographs])
    engine = open_model(model)
    expected = engine.probabilities(np.stack([read_image(path, engine.rule) for path in photographs]))
    assert np.abs(found - expected).max() < 1e-3
    assert np.ptp(expected[:, 1]) > 0.5  # they are not all alike
    assert not [url for url in app.requests if "threaded" in url]
    assert [url for url in app.requests if url.endswith("litert_wasm_internal.wasm")]


def test_no_service_worker_is_registered(app):
    """Its requests would not come to the app."""
    app.page.wait_for_load_state("networkidle")
    assert app.page.evaluate("() => called") == []
    assert not [url for url in app.requests if url.endswith(("sw.js", "files.js"))]


def test_one_thread_even_where_the_browser_has_more(browser, files):
    """As with headers that allow shared memory: the app has no LiteRT with threads."""
    isolated = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
    visit = WebView(browser, files, headers=isolated).ready()
    assert visit.page.evaluate("() => crossOriginIsolated") is True
    visit.end()


def test_results_and_pictures_are_saved_through_the_app(app, photographs):
    from PIL import Image

    shown = app.open_picture(photographs[0])
    app.part("save-json").click()
    ((name, kind, content),) = app.called("save")
    assert (name, kind) == (f"{photographs[0].stem}.json", "application/json")
    assert json.loads(base64.b64decode(content, validate=True)) == shown
    app.page.evaluate("() => { called.length = 0; }")
    app.part("save-picture").click()
    ((name, kind, content),) = app.called("save")
    assert (name, kind) == (photographs[0].name, "image/jpeg")
    assert base64.b64decode(content, validate=True) == photographs[0].read_bytes()

    app.page.evaluate("() => { called.length = 0; }")
    app.part("retake").click()
    app.part("start").click()
    app.part("decision").wait_for()  # the first frame's, not that of the picture before
    app.part("freeze").click()
    app.part("save-picture").click()
    ((name, kind, content),) = app.called("save")
    assert name.startswith("camera-")
    assert name.endswith(".png")
    assert kind == "image/png"
    with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as picture:
        assert picture.format == "PNG"
        assert picture.width == picture.height > 200  # the guide's square, not scaled


def test_a_bridge_that_fails_is_reported(browser, files, photographs):
    bridge = BRIDGE + "imbalkitAndroid.save = () => { throw new Error('Java exception was raised'); };"
    visit = WebView(browser, files, bridge).ready()
    visit.open_picture(photographs[0])
    visit.part("save-json").click()
    visit.part("error").wait_for()
    assert (
        visit.part("error").text_content() == f"{photographs[0].stem}.json cannot be saved: Java exception was raised"
    )
    visit.end()


@pytest.fixture(scope="module")
def refusing(launch):
    started = launch(*FLAGS, "--use-fake-device-for-media-stream", "--deny-permission-prompts")
    yield started
    started.close()


def test_a_refused_camera_names_androids_settings_and_opens_them(refusing, files, photographs):
    visit = WebView(refusing, files).ready()
    visit.part("start").click()
    visit.part("error").wait_for()
    assert "Allow it in Android's settings (Apps, this app, Permissions, Camera)" in visit.part("error").text_content()
    visit.page.get_by_role("button", name="Open settings").click()
    assert visit.called("openSettings") == [[]]
    visit.open_picture(photographs[0])  # works without a camera
    visit.part("retake").click()
    assert visit.part("start").is_enabled()  # the way back
    visit.end()


def test_an_app_that_cannot_open_them_gets_no_button(refusing, files):
    visit = WebView(refusing, files, BRIDGE + "delete imbalkitAndroid.openSettings;").ready()
    visit.part("start").click()
    visit.part("error").wait_for()
    assert "Android's settings" in visit.part("error").text_content()
    assert visit.page.get_by_role("button", name="Open settings").count() == 0
    visit.end()


def test_back_closes_a_dialog_first(app):
    app.part("card").click()
    assert app.page.locator("#about").is_visible()
    assert app.back() is True
    assert app.page.locator("#about").is_hidden()
    assert app.back() is False


def test_a_camera_that_android_took_in_the_background_comes_back(app):
    app.part("start").click()
    app.probabilities(2)
    app.page.evaluate("""() => {
        const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices);
        const phonesTime = () => new Promise((resolve) => setTimeout(resolve, 500));
        devices.getUserMedia = (wanted) => phonesTime().then(() => open(wanted));
        document.getElementById("video").srcObject.getTracks().forEach((track) => track.stop());
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    app.page.wait_for_function("() => document.getElementById('video').srcObject?.active")
    app.probabilities(2)
    assert app.part("error").is_hidden()
