"""Where things are on the page: windows from a small phone to a desk, a phone on its side, and what lies below a notch."""

from __future__ import annotations

import pytest
from imbalkit_app.contents import app_contents, read_model

from tests.app.browsing import HAM10000, Visit, film, hosted, launching

pytestmark = [
    pytest.mark.skipif(not HAM10000.exists(), reason="needs ../shared/data/ham10000"),
    pytest.mark.slow,  # a browser
]

PHONE = (360, 780)
SIZES = [PHONE, (412, 915), (600, 960), (720, 1024), (820, 1180), (1024, 768), (1280, 800), (780, 360)]

# Rows of buttons as they are seen (ids), the buttons that are not whole in the window, and whether the page is too wide.
LAYOUT = """
() => {
  const seen = [...document.querySelectorAll("button")].filter(each => each.checkVisibility());
  const rows = new Map();
  for (const each of seen.filter(each => each.closest("nav"))) {
    const top = Math.round(each.getBoundingClientRect().top);
    rows.set(top, [...(rows.get(top) ?? []), each.id]);
  }
  const cut = seen.filter(each => {
    const { left, top, right, bottom } = each.getBoundingClientRect();
    return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight || each.scrollWidth > each.clientWidth;
  });
  return {
    rows: [...rows.values()],
    cut: cut.map(each => each.id),
    wide: document.documentElement.scrollWidth > innerWidth,
    name: document.getElementById("name").clientWidth,
  };
}
"""
OFFER = """
() => {
  const event = new Event("beforeinstallprompt", { cancelable: true });
  window.prompts = 0;
  event.prompt = async () => { prompts++; };
  window.dispatchEvent(event);
  return event.defaultPrevented;
}
"""


@pytest.fixture(scope="module")
def address(built, model):
    with hosted(app_contents(built, *read_model(model, "0.1.0"))) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    photographs = sorted((HAM10000 / "images").glob("*.jpg"))[:1]
    path = film(photographs, tmp_path_factory.mktemp("film") / "camera.mjpeg")
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with launching() as launch:
        started = launch(*flags, f"--use-file-for-fake-video-capture={path}")
        yield started
        started.close()


@pytest.fixture
def app(browser, address):
    visit = Visit(browser, address).ready()
    yield visit
    visit.end()


def check(app: Visit, main: str) -> None:
    """Every button is whole in the window, none but the main one alone beside rows of several; the name can be read."""
    for size in SIZES:
        app.page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        found = app.page.evaluate(LAYOUT)
        assert found["cut"] == [], size
        assert not found["wide"], size
        assert found["name"] >= 90, size
        if max(map(len, found["rows"])) > 1:
            assert [row for row in found["rows"] if len(row) == 1 and row != [main]] == [], size


def test_no_button_is_cut_or_alone_in_a_row(app):
    app.page.evaluate(OFFER)
    check(app, "start")
    app.part("start").click()
    app.probabilities(2)
    check(app, "freeze")
    app.part("freeze").click()
    app.part("retake").wait_for()
    check(app, "retake")


def test_a_phone_that_is_turned_goes_on_reading(app):
    app.part("start").click()
    before = app.probabilities(2)
    app.page.set_viewport_size({"width": 780, "height": 360})
    guide = app.page.wait_for_function("() => document.getElementById('guide').getAttribute('viewBox') !== null")
    assert guide
    app.page.wait_for_function(
        "() => document.getElementById('guide').getAttribute('viewBox') ==="
        " `0 0 ${document.getElementById('stage').clientWidth} ${document.getElementById('stage').clientHeight}`"
    )
    assert app.page.evaluate("() => document.body.dataset.state") == "live"
    assert app.probabilities(2) == pytest.approx(before, abs=0.2)  # the guide shows a little more or less of the same
    app.page.set_viewport_size({"width": 360, "height": 780})
    app.part("freeze").click()
    app.part("retake").wait_for()


def test_nothing_lies_below_a_notch_or_the_bars(app):
    insets = {"top": 40, "left": 12, "bottom": 48, "right": 12}
    session = app.context.new_cdp_session(app.page)
    session.send("Emulation.setSafeAreaInsetsOverride", {"insets": insets})
    width, height = PHONE
    for part in ("#name", "#card", "#start", "#open-picture", "#stage"):
        box = app.page.locator(part).bounding_box()
        assert box["x"] >= insets["left"], part
        assert box["y"] >= insets["top"], part
        assert box["x"] + box["width"] <= width - insets["right"], part
        assert box["y"] + box["height"] <= height - insets["bottom"], part


def test_the_install_button_is_there_while_it_is_offered(app):
    assert app.part("install").is_hidden()
    assert app.page.evaluate(OFFER) is True  # in place of the browser's own banner
    app.part("install").click()
    assert app.page.evaluate("() => prompts") == 1
    assert app.part("install").is_hidden()  # an offer is good for once
    app.page.evaluate(OFFER)
    assert app.part("install").is_visible()  # the next one, of who declined
    app.page.evaluate("() => window.dispatchEvent(new Event('appinstalled'))")
    assert app.part("install").is_hidden()
