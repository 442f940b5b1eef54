"""The page itself, in a browser whose camera shows photographs: what it reads, what it shows, and that it sends nothing."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from imbalkit_app.contents import app_contents, read_model
from imbalkit_app.folder import write_app

from imbalkit_lite import open_model, read_image
from imbalkit_lite.card import NEVER
from tests.app.browsing import HAM10000, Visit, film, hosted, launching, listening
from tests.app.models import CARD, OTHER, middle, with_card, write_model
from tests.command_line import imbalkit

PHOTOGRAPHS = HAM10000 / "images"
pytestmark = [
    pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason="needs ../shared/data/ham10000"),
    pytest.mark.slow,  # a browser
]


@pytest.fixture(scope="module")
def photographs() -> list[Path]:
    return sorted(PHOTOGRAPHS.glob("*.jpg"))[:50]


@pytest.fixture(scope="module")
def sharp(model, photographs, tmp_path_factory) -> Path:
    """The model with a threshold amid the photographs' probabilities, so that both decisions are made."""
    found = open_model(model)
    pixels = np.stack([read_image(path, found.rule) for path in photographs])
    threshold = middle(found.probabilities(pixels)[:, 1])
    return with_card(model, tmp_path_factory.mktemp("sharp") / "moles.tflite", replace(CARD, threshold=threshold))


@pytest.fixture(scope="module")
def contents(built, sharp):
    return app_contents(built, *read_model(sharp, "0.1.0"))


@pytest.fixture(scope="module")
def address(contents):
    with hosted(contents) as address:
        yield address


@pytest.fixture(scope="module")
def expected(sharp, photographs, tmp_path_factory) -> pd.DataFrame:
    """What `imbalkit predict` says of the photographs, by file name."""
    out = tmp_path_factory.mktemp("predicted") / "rows.jsonl"
    imbalkit("predict", sharp, *photographs, "--out", out, cwd=out.parent)
    rows = pd.read_json(out, lines=True)
    return rows.set_index(rows["path"].map(lambda path: Path(path).name))


@pytest.fixture(scope="module")
def seen(expected) -> list[str]:
    """The photographs of least and greatest probability: what the camera shows, by turns."""
    ranked = expected["probability_melanoma"].sort_values()
    return [ranked.index[0], ranked.index[-1]]


@pytest.fixture(scope="module")
def launch():
    with launching() as launch:
        yield launch


@pytest.fixture(scope="module")
def browser(launch, seen, tmp_path_factory):
    path = film([PHOTOGRAPHS / name for name in seen], tmp_path_factory.mktemp("film") / "camera.mjpeg")
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    started = launch(*flags, f"--use-file-for-fake-video-capture={path}")
    yield started
    started.close()


@pytest.fixture
def visit(browser, address):
    """`visit()`: the app in a window of its own; afterwards fails for what the console had and for requests to elsewhere."""
    visits: list[Visit] = []

    def go(address=address, **options) -> Visit:
        visits.append(Visit(browser, address, **options))
        return visits[-1]

    yield go
    for each in visits:
        each.end()


def start(app: Visit) -> None:
    """Let the camera run; its first reading."""
    app.part("start").click()
    app.probabilities(2)


def wait_for_positive(app: Visit, condition: str) -> float:
    """The live probability of the positive class, once it is such (JavaScript about `p`)."""
    app.page.wait_for_function(
        f"() => {{ const p = Number(document.querySelector('[data-testid=probability-1]').dataset.value);"
        f" return {condition}; }}"
    )
    return app.probabilities(2)[1]


def test_photographs_get_the_predictions_of_predict(visit, expected, photographs):
    app = visit().ready()
    results = {path.name: app.open_picture(path) for path in photographs}
    assert len(results) == 50
    assert {row["decision"] for row in results.values()} == {"other", "melanoma"}
    found = np.array([results[name]["probabilities"] for name in expected.index])
    predicted = expected[["probability_other", "probability_melanoma"]].to_numpy()
    assert np.abs(found - predicted).max() < 1e-3
    assert [results[name]["decision"] for name in expected.index] == expected["decision"].tolist()
    assert np.ptp(predicted[:, 1]) > 0.5  # they are not all alike


def test_another_card_and_pictures_of_other_shapes(visit, built, model, photographs, tmp_path):
    """No positive class, cropping with Lanczos, abstention; wide, tall, grey and turned pictures, one that is transparent."""
    from PIL import Image

    first, second = (Image.open(path) for path in photographs[:2])
    turned = Image.Exif()
    turned[0x0112] = 6
    first.crop((0, 60, 224, 140)).save(tmp_path / "wide.png")
    first.crop((70, 0, 150, 224)).convert("L").save(tmp_path / "grey.png")
    second.crop((0, 0, 100, 224)).save(tmp_path / "turned.jpg", exif=turned, quality=95)
    second.resize((700, 500)).save(tmp_path / "large.jpg", quality=95)
    second.crop((0, 0, 100, 224)).save(tmp_path / "turned.webp", exif=turned, lossless=True)
    clear = second.convert("RGBA")
    clear.putalpha(first.convert("L"))
    clear.save(tmp_path / "clear.png")
    files = [
        tmp_path / name for name in ("wide.png", "grey.png", "turned.jpg", "large.jpg", "clear.png", "turned.webp")
    ]

    other = with_card(model, tmp_path / "other.tflite", OTHER)
    lines = imbalkit("predict", other, *files, "--json", cwd=tmp_path).stdout.splitlines()
    with hosted(app_contents(built, *read_model(other, "0.1.0"))) as address:
        app = visit(address).ready()
        results = [app.open_picture(path) for path in files]
        assert app.page.locator("i, b").count() == 0  # names are never markup
        shown = app.page.locator("#still").evaluate("canvas => [canvas.width, canvas.height]")
        assert shown == [224, 100]  # the last one, upright
    for line, result in zip(lines, results, strict=True):
        row = json.loads(line)
        predicted = [row[f"probability_{name}"] for name in OTHER.classes]
        assert result["probabilities"] == pytest.approx(predicted, abs=1e-3), row["path"]
        assert (result["decision"], result["abstained"]) == (row["decision"], row["abstained"])
    assert {result["abstained"] for result in results} == {True, False}


def test_a_model_that_never_predicts_the_positive_class(visit, built, model, photographs, tmp_path):
    """Its threshold is above 1: shown as such, not as 100 %, and without a line at the bar's end."""
    path = with_card(model, tmp_path / "never.tflite", replace(CARD, threshold=NEVER))
    with hosted(app_contents(built, *read_model(path, "0.1.0"))) as address:
        app = visit(address).ready()
        result = app.open_picture(photographs[0])
        assert result["decision"] == "other"
        assert result["threshold"] == NEVER
        assert app.page.locator("#why").text_content().startswith("This model never predicts melanoma; here it has ")
        assert app.page.locator(".tick").count() == 0
        assert "threshold" not in app.page.locator("#legend").text_content()
        app.part("card").click()
        about = app.page.locator("#about-body")
        assert "This model never predicts melanoma" in about.text_content()
        assert "1.0000001" not in about.text_content()


def test_several_shots_are_averaged(visit, expected, photographs):
    app = visit().ready()
    app.open_picture(photographs[0])
    app.part("add-shot").click()
    result = app.open_picture(photographs[1])
    logits = np.log(expected[["probability_other", "probability_melanoma"]].to_numpy()[:2]).mean(axis=0)
    assert result["shots"] == 2
    assert result["probabilities"] == pytest.approx(np.exp(logits) / np.exp(logits).sum(), abs=1e-3)


def test_the_picture_chosen_last_stays(visit, photographs, tmp_path):
    """Also where one that was chosen before takes longer to read, or can not be read."""
    from PIL import Image

    with Image.open(photographs[0]) as picture:
        picture.resize((4000, 3000)).save(tmp_path / "slow.png", compress_level=0)
    (tmp_path / "words.jpg").write_text("no picture")
    app = visit().ready()
    for before, chosen in (("slow.png", photographs[1]), ("words.jpg", photographs[2])):
        app.part("picture-input").set_input_files(tmp_path / before)
        result = app.open_picture(chosen)
        app.page.wait_for_timeout(2500)
        assert json.loads(app.part("result-json").text_content()) == result
        assert app.part("error").is_hidden()
    app.part("picture-input").set_input_files(tmp_path / "slow.png")
    app.part("retake").click()  # back to the choice
    app.page.wait_for_timeout(2500)
    assert app.page.evaluate("document.body.dataset.state") == "ready"


def test_of_several_dropped_pictures_one_is_opened_and_the_page_says_so(visit, photographs):
    app = visit().ready()
    app.page.evaluate(
        """contents => {
          const dropped = new DataTransfer();
          for (const [name, text] of contents) {
            const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
            dropped.items.add(new File([bytes], name));
          }
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, cancelable: true }));
        }""",
        [[path.name, b64encode(path.read_bytes()).decode()] for path in photographs[:2]],
    )
    assert app.result(photographs[0].name)["shots"] == 1
    assert f"{photographs[0].name} alone was opened" in app.part("error").text_content()


def test_a_file_that_is_no_picture_is_reported(visit, photographs, tmp_path):
    (tmp_path / "words.jpg").write_text("no picture")
    app = visit().ready()
    app.part("picture-input").set_input_files(tmp_path / "words.jpg")
    app.part("error").wait_for()
    assert "words.jpg" in app.part("error").text_content()
    app.open_picture(photographs[0])
    assert app.part("error").is_hidden()


def test_what_is_saved_is_what_is_shown(visit, photographs, sharp, tmp_path):
    app = visit().ready()
    shown = app.open_picture(photographs[3])
    with app.page.expect_download() as download:
        app.part("save-json").click()
    download.value.save_as(tmp_path / "saved.json")
    saved = json.loads((tmp_path / "saved.json").read_text(encoding="utf-8"))
    assert saved == shown
    assert saved["classes"] == ["other", "melanoma"]
    assert saved["threshold"] == open_model(sharp).card.threshold
    assert saved["model"]["file"] == "moles.tflite"
    assert [float(app.part(f"probability-{index}").get_attribute("data-value")) for index in (0, 1)] == pytest.approx(
        saved["probabilities"]
    )
    assert saved["decision"] in app.part("decision").text_content()


def test_a_live_reading_changes_with_the_picture(visit, expected, seen):
    app = visit().ready()
    start(app)
    least, greatest = (float(expected.loc[name, "probability_melanoma"]) for name in seen)
    centre = (least + greatest) / 2
    assert wait_for_positive(app, f"p > {centre}") > centre
    assert wait_for_positive(app, f"p < {centre}") < centre
    app.page.wait_for_function("() => Number(document.querySelector('[data-testid=panel]').dataset.fps) > 0")
    panel = app.part("panel")
    assert float(panel.get_attribute("data-ms")) > 0
    assert panel.get_attribute("data-accelerator")


def test_a_slow_model_is_told_of_with_what_was_measured(visit, built, tmp_path):
    """Of 10,000 million multiplications a frame, on one thread, as a server without the headers allows no more."""
    card = replace(CARD, input=replace(CARD.input, height=192, width=192))
    path = write_model(tmp_path / "slow.tflite", card, width=512)
    write_app(app_contents(built, *read_model(path, "0.1.0")), tmp_path / "app")
    handler = partial(Silent, directory=str(tmp_path / "app"))
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as address:
        app = visit(address).ready()
        start(app)
        app.page.wait_for_function("() => document.querySelector('[data-testid=slow]').textContent")
        text = app.part("slow").text_content().replace("\u00a0", " ")
        found = re.fullmatch(
            r"Slow on this device: (\d+) ms a frame in the model\. Hold still for (\d+) s, "
            r"or use a smaller backbone, fewer pixels or int8\.",
            text,
        )
        assert found
        assert int(found[1]) > 200
        assert int(found[2]) >= 2
        app.part("freeze").click()
        app.part("retake").wait_for()
        assert app.part("slow").text_content() == ""


def test_a_fast_model_is_not(visit):
    app = visit().ready()
    start(app)
    app.page.wait_for_timeout(2500)
    fast = float(app.part("panel").get_attribute("data-model")) < 200
    assert not fast or app.part("slow").text_content() == ""


FILM = "document.querySelector('video').currentTime"  # s


def test_a_frozen_picture_stays(visit):
    app = visit().ready()
    start(app)
    app.part("freeze").click()
    app.part("retake").wait_for()
    frozen = app.probabilities(2)
    begun = app.page.evaluate(FILM)
    app.page.wait_for_function(f"begun => {FILM} > begun + 2.5", arg=begun)  # it has gone on to the other photograph
    assert app.probabilities(2) == frozen
    app.part("retake").click()
    wait_for_positive(app, f"Math.abs(p - {frozen[1]}) > 0.1")


def test_it_works_offline_once_it_was_loaded(visit, photographs, expected):
    app = visit().ready()
    app.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    app.context.set_offline(True)
    app.page.reload()
    app.ready()
    result = app.open_picture(photographs[0])
    assert result["probabilities"][1] == pytest.approx(expected.iloc[0]["probability_melanoma"], abs=1e-3)
    app.part("retake").click()
    start(app)


def test_any_server_can_host_it_below_any_path(visit, contents, photographs, expected, tmp_path):
    """Python's own, which sends none of the headers: the service worker adds what threads need."""
    write_app(contents, tmp_path / "tools" / "moles")
    handler = partial(Silent, directory=str(tmp_path))
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as address:
        app = visit(f"{address}tools/moles/").ready()
        assert app.page.evaluate("crossOriginIsolated") is False
        app.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        app.page.reload()
        result = app.ready().open_picture(photographs[1])
        assert app.page.evaluate("crossOriginIsolated") is True
    assert result["probabilities"][1] == pytest.approx(expected.iloc[1]["probability_melanoma"], abs=1e-3)


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format, *arguments):
        pass


class Keeping(Silent):
    def end_headers(self):
        self.send_header("Cache-Control", "max-age=3600")
        super().end_headers()


ONLY_ANOTHER = """
async old => {
  for (let tries = 0; tries < 600; tries++) {
    const names = await caches.keys();
    if (names.length === 1 && names[0] !== old) return names;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
"""


def test_a_new_version_takes_the_place_of_the_old_one(visit, built, model, contents, photographs, tmp_path):
    """Also where the host lets browsers keep files for an hour. `model` has another threshold than the app's own."""
    write_app(contents, tmp_path / "app")
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), partial(Keeping, directory=str(tmp_path / "app")))) as address:
        app = visit(address).ready()
        app.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        (old,) = app.page.evaluate("caches.keys()")
        write_app(app_contents(built, *read_model(model, "0.1.0")), tmp_path / "app")
        app.page.reload()  # still the old one, which looks for a new one
        found = app.page.evaluate(ONLY_ANOTHER, old)
        assert found
        assert found != [old]
        app.page.reload()
        assert app.ready().open_picture(photographs[0])["threshold"] == CARD.threshold


def test_threads_are_allowed(visit):
    assert visit().page.evaluate("crossOriginIsolated") is True


def test_a_damaged_model_is_reported(visit, contents):
    data = bytearray(contents["model/model.tflite"])
    data[len(data) // 3] ^= 1
    with hosted(contents | {"model/model.tflite": bytes(data)}) as address:
        app = visit(address)
        app.part("error").wait_for()
        assert "damaged" in app.part("error").text_content()


def test_a_refused_camera_is_reported(launch, address):
    browser = launch("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    app = Visit(browser, address).ready()
    app.part("start").click()
    app.part("error").wait_for()
    assert "camera" in app.part("error").text_content().lower()
    app.end()
    browser.close()
