"""Reports in a real browser: no request, no error, and a slider whose numbers are right."""

from __future__ import annotations

import math
import re
from statistics import NormalDist

import numpy as np
import pytest

from imbalkit.functional.metrics import softmax
from imbalkit.functional.proportions import wilson
from imbalkit.functional.usefulness import predictive_values
from imbalkit.report import write_report
from imbalkit.report.markdown import to_html
from tests.report.made_up import run_of, scored

pytestmark = pytest.mark.slow  # a browser

THIN = "\u202f"


LABELS, LOGITS = scored(700, 90, seed=4, distinct=200)
SCORES = softmax(LOGITS)[:, 1]
SHARE = float(LABELS.mean())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = run_of(tmp_path_factory.mktemp("made-up") / "run", LABELS, LOGITS, threshold=0.3)
    return write_report(folder, None)


@pytest.fixture
def page(visit, written):
    return visit(written)


def numbers(page) -> dict[str, str]:
    ids = ["t-hits", "t-misses", "t-alarms", "t-passes", "t-recall", "t-recall-ci", "t-spec", "t-spec-ci"]
    ids += ["t-ppv", "t-npv", "t-nnb", "t-ppv-ci", "t-npv-ci", "t-natural"]
    return {name: page.text_content(f"#{name}") for name in ids}


def percent(share, digits=1):
    return "n/a" if math.isnan(share) else f"{100 * share:.{digits}f}{THIN}%"


def span(limits, digits=1):
    return f"{100 * limits[0]:.{digits}f} to {percent(limits[1], digits)}"


def expected(threshold, prevalence) -> dict[str, str]:
    """What the explorer must show, from the rows themselves and our own formulas."""
    predicted = threshold <= SCORES
    hits, alarms = int((predicted & (LABELS == 1)).sum()), int((predicted & (LABELS == 0)).sum())
    positives, others = int((LABELS == 1).sum()), int((LABELS == 0).sum())
    recall, spared = hits / positives, 1 - alarms / others
    ppv, npv = (float(value) for value in predictive_values(recall, spared, prevalence))
    return {
        "t-hits": f"{hits:,}",
        "t-misses": f"{positives - hits:,}",
        "t-alarms": f"{alarms:,}",
        "t-passes": f"{others - alarms:,}",
        "t-recall": percent(recall),
        "t-recall-ci": span(wilson(hits, positives)),
        "t-spec": percent(spared),
        "t-spec-ci": span(wilson(others - alarms, others)),
        "t-ppv": percent(ppv),
        "t-npv": percent(npv, 2),
        "t-nnb": f"{1 / ppv:.1f}",
    }


def check(page, threshold, prevalence=SHARE):
    shown = numbers(page)
    wanted = expected(threshold, prevalence)
    assert {name: shown[name] for name in wanted} == wanted


def test_it_starts_at_the_chosen_threshold(page):
    assert float(page.input_value("#threshold-value")) == 0.3
    check(page, 0.3)


def test_the_slider_shows_the_right_numbers_wherever_it_stands(page):
    slider = page.locator("#threshold-slider")
    seen = []
    for stop in (0, 1, 57, 199, 250, 342, 399):
        slider.fill(str(stop))
        threshold = page.evaluate("Number(document.getElementById('threshold-value').value)")
        exact = SCORES[np.abs(SCORES - threshold).argmin()]  # the field is rounded to four digits
        check(page, exact)
        seen.append(int(page.text_content("#t-hits").replace(",", "")))
    assert seen[0] == (LABELS == 1).sum()
    assert seen == sorted(seen, reverse=True)
    slider.fill("400")
    assert (page.text_content("#t-hits"), page.text_content("#t-alarms")) == ("0", "0")
    assert page.text_content("#t-ppv") == "n/a"


def test_the_marks_follow_on_the_charts(page):
    page.fill("#threshold-value", "0.42")
    predicted = SCORES >= 0.42
    alarm, recall = predicted[LABELS == 0].mean(), predicted[LABELS == 1].mean()
    x0, x1, y0, y1 = map(float, page.get_attribute("#threshold-roc", "data-plot").split())
    dot = page.locator("#threshold-roc circle.marker")
    assert float(dot.get_attribute("cx")) == pytest.approx(x0 + (x1 - x0) * alarm)
    assert float(dot.get_attribute("cy")) == pytest.approx(y0 + (y1 - y0) * recall)
    # The curve passes there too: its path, in the same units.
    x0, x1, *_ = map(float, page.get_attribute("#threshold-scores", "data-plot").split())
    assert float(page.get_attribute("#threshold-scores line.marker", "x1")) == pytest.approx(x0 + (x1 - x0) * 0.42)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.123456, float(SCORES[17]), 1.0])
def test_a_threshold_may_be_typed(page, threshold):
    page.fill("#threshold-value", repr(threshold))
    shown = numbers(page)
    predicted = threshold <= SCORES
    assert shown["t-hits"] == f"{(predicted & (LABELS == 1)).sum():,}"
    assert shown["t-alarms"] == f"{(predicted & (LABELS == 0)).sum():,}"


def test_what_is_no_threshold_changes_nothing(page):
    before = numbers(page)
    for wrong in ("", "1.5", "-0.2"):
        page.fill("#threshold-value", wrong)
        assert numbers(page) == before
    page.dispatch_event("#threshold-value", "change")
    assert page.input_value("#threshold-value") == "0.3"


@pytest.mark.parametrize("prevalence", [0.5, 0.02, 0.0004])
def test_predictive_values_at_a_prevalence_of_the_readers(page, prevalence):
    page.fill("#prevalence-value", f"{100 * prevalence:g}")
    check(page, 0.3, prevalence)
    # The interval, from Mercaldo, Lau and Zhou 2007, equations 3 and 4.
    predicted = SCORES >= 0.3
    positives, others = (LABELS == 1).sum(), (LABELS == 0).sum()
    se, sp = predicted[LABELS == 1].mean(), 1 - predicted[LABELS == 0].mean()
    centre = math.log(se * prevalence / ((1 - sp) * (1 - prevalence)))
    half = NormalDist().inv_cdf(0.975) * math.sqrt((1 - se) / (se * positives) + sp / ((1 - sp) * others))
    limits = [1 / (1 + math.exp(-(centre + sign * half))) for sign in (-1, 1)]
    assert page.text_content("#t-ppv-ci") == span(limits)
    centre = math.log(sp * (1 - prevalence) / ((1 - se) * prevalence))
    half = NormalDist().inv_cdf(0.975) * math.sqrt(se / ((1 - se) * positives) + (1 - sp) / (sp * others))
    limits = [1 / (1 + math.exp(-(centre + sign * half))) for sign in (-1, 1)]
    assert page.text_content("#t-npv-ci") == span(limits, 2)


def test_the_sentence_adds_up(page):
    page.fill("#prevalence-value", "2")
    sentence = page.text_content("#t-natural")
    total, sick, predicted, right, wrong, missed = (
        int(text.replace(",", "")) for text in re.findall(r"[\d,]*\d", sentence)
    )
    assert (total, sick) == (1000, 20)
    assert predicted == right + wrong
    assert sick == right + missed
    page.fill("#prevalence-value", "0")
    assert "between 0 and 100" in page.text_content("#t-natural")
    page.click("#prevalence-test")
    check(page, 0.3)


def test_everything_works_from_the_keyboard(page):
    page.focus("#threshold-slider")
    before = numbers(page)
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    assert numbers(page) != before
    text = page.get_attribute("#threshold-slider", "aria-valuetext")
    assert re.fullmatch(r"threshold [\d.]+: recall of melanoma [\d.]+.%, of other [\d.]+.%", text)
    status = page.locator("#threshold-status")
    status.get_by_text(text).wait_for(state="attached")  # a moment later, so that not every step is spoken
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[:3] == ["threshold-value", "threshold-chosen", "threshold-half"]
    page.focus("#threshold-chosen")
    page.keyboard.press("Enter")
    check(page, 0.3)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    check(page, 0.5)


def test_every_control_has_a_name_and_every_picture_a_text(page):
    bare = page.evaluate(
        "[...document.querySelectorAll('input, button')].filter(e => !(e.labels?.length || e.textContent.trim() || "
        "e.ariaLabel)).map(e => e.id)"
    )
    assert bare == []
    without = page.evaluate("[...document.querySelectorAll('img')].filter(e => !e.alt).length")
    assert without == 0
    unnamed = page.evaluate(
        "[...document.querySelectorAll('svg.chart')].filter(e => !e.querySelector('title')?.textContent).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("width", [360, 390, 768, 1440])
def test_no_page_is_wider_than_its_window(visit, finished_run, width):
    page = visit(finished_run / "report.html", viewport={"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_contents_mark_what_is_read(visit, finished_run):
    page = visit(finished_run / "report.html", viewport={"width": 1440, "height": 900})
    page.click("nav.contents a[href='#curves']")
    page.locator("nav.contents a[aria-current][href='#curves']").wait_for()
    assert page.locator("#curves h2").is_visible()


def contrast(first: str, second: str) -> float:
    """Ratio of two colours such as "rgb(1, 2, 3)" (WCAG 2)."""

    def luminance(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(visit, finished_run, scheme):
    page = visit(finished_run / "report.html", color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (contrast(paper, "rgb(255, 255, 255)") < 1.2) == (scheme == "light")
    for selector in ("p", "td .soft", "nav.contents a", "dd .unstated"):
        colour = page.evaluate("s => getComputedStyle(document.querySelector(s)).color", selector)
        assert contrast(colour, paper) > 4.5, selector
    fills = page.evaluate("[...document.querySelectorAll('svg.chart text')].map(e => getComputedStyle(e).fill)")
    assert fills
    assert min(contrast(fill, paper) for fill in set(fills)) > 4.5


def test_paper_has_everything_that_is_folded(page):
    folded = page.locator("main details:not([data-no-print])")
    assert folded.count()
    for index in range(folded.count()):
        folded.nth(index).evaluate("node => { node.open = false }")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(folded.nth(index).evaluate("node => node.open") for index in range(folded.count()))
    assert not page.locator("nav.contents").is_visible()
    assert not page.locator("#threshold-slider").is_visible()


def test_without_scripts_it_says_so(browser, made_up):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(write_report(made_up, None).as_uri())
    assert page.locator("noscript").first.text_content()
    assert page.locator("#threshold .explorer").is_visible() is False
    assert page.locator("#metrics table").first.is_visible()
    context.close()


def test_class_names_are_never_markup(visit, tmp_path):
    labels, logits = scored(120, 30)
    classes = ("<b>other</b>", '"><script>alert(1)</script>')
    folder = run_of(
        tmp_path / "run", labels, logits, classes=classes, card={"intended_use": "<img src=x onerror=alert(1)>"}
    )
    page = visit(write_report(folder, None))
    assert page.locator("main b").count() == page.locator("main .range b").count()
    assert page.locator("main script:not([type])").count() == 0
    assert "<img src=x onerror=alert(1)>" in page.text_content("#intended_use")
    page.fill("#threshold-value", "0.5")
    assert classes[1] in page.text_content("#t-natural")


def test_a_run_of_ten_classes(visit, finished_run_of_digits):
    page = visit(finished_run_of_digits / "report.html")
    assert page.locator("#threshold").count() == 0
    assert page.locator("#metrics table.matrix td").count() == 101  # and the empty corner
    assert page.locator("#errors figure").count() > 10


def test_links_of_plugins_run_no_script(visit, tmp_path):
    signs = [":", "&colon;", "&#58;", "&#x3a;", "&amp;colon;", "\\\\:", "&Tab;:"]
    links = " ".join(f"[x](javascript{sign}document.title='run')" for sign in signs)
    path = tmp_path / "links.html"
    path.write_text(
        f"<meta charset=utf-8><title>still</title>{to_html(links + ' [y](#rows)', tmp_path)}", encoding="utf-8"
    )
    page = visit(path)
    assert page.eval_on_selector_all("a[href]", "links => links.map(link => link.protocol)") == ["file:"]
    page.evaluate("document.querySelectorAll('a').forEach(link => link.click())")
    assert page.title() == "still"
