"""Charts as inline SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from imbalkit.plots import style
from imbalkit.plots.svg import VARIABLES, chart

NAMESPACE = "{http://www.w3.org/2000/svg}"


def draw(axes):
    axes.set(xlim=(0, 2), ylim=(-1, 1))
    axes.plot([0, 1, 2], [0, 0.123456, 1], color=style.COLOURS[0])
    axes.fill_between([0, 2], [0, 0], [1, 1], color=style.COLOURS[1], alpha=0.2)
    axes.text(1, 0.5, "area 0.97734 <b> & #0072B2")


@pytest.fixture(scope="module")
def made():
    return chart("one", draw, 'A "title"', "Described & <told>")


def test_it_is_named_for_those_who_do_not_see_it(made):
    root = ElementTree.fromstring(made.svg)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "one-t one-d"
    assert (root[0].text, root[1].text) == ('A "title"', "Described & <told>")
    assert (root[0].get("id"), root[1].get("id")) == ("one-t", "one-d")


def test_texts_stay_as_they_are(made):
    texts = [element.text for element in ElementTree.fromstring(made.svg).iter(f"{NAMESPACE}text")]
    assert "area 0.97734 <b> & #0072B2" in texts


def test_colours_are_variables(made):
    tags = "".join(re.findall(r"<[^>]+>", made.svg))
    assert "var(--c-blue)" in tags
    assert "var(--c-red)" in tags
    assert not re.findall(r"#[0-9a-fA-F]{6}", tags)
    assert "font-family" not in tags
    assert "DejaVu" not in tags


def test_every_variable_is_in_the_style_sheet_light_and_dark():
    from imbalkit.report.page import TEMPLATES

    sheet = (TEMPLATES / "style.css").read_text()
    light, dark, paper = (
        re.findall(r"(--[\w-]+):", block) for block in re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    )
    assert set(VARIABLES.values()) <= set(light)
    assert set(VARIABLES.values()) <= set(dark)
    assert set(VARIABLES.values()) <= set(paper)


def test_nothing_outside_is_named(made):
    assert "http" not in made.svg.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/1999/xlink", "")
    assert "<style" not in made.svg
    assert "<metadata" not in made.svg


def test_ids_differ_between_charts(made):
    other = chart("two", draw, "t", "d")
    ids = [re.findall(r' id="([^"]+)"', svg) for svg in (made.svg, other.svg)]
    assert ids[0]
    assert len(set(ids[0])) == len(ids[0])
    assert not set(ids[0]) & set(ids[1])
    for svg, own in zip((made.svg, other.svg), ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) | set(re.findall(r'href="#([^"]+)"', svg)) <= set(own)


@pytest.mark.parametrize("aspect", [None, 1.0, 2.5])
def test_the_place_of_the_axes_is_that_of_the_line(aspect):
    made = chart("one", lambda axes: (draw(axes), axes.set_box_aspect(aspect)), "t", "d")
    x0, x1, y0, y1 = made.plot
    line = re.search(
        r'd="M ([\d.]+) ([\d.]+)\s+L ([\d.]+) ([\d.]+)\s+L ([\d.]+) ([\d.]+)\s*"[^>]*stroke: var\(--c-blue\)', made.svg
    )
    x, y = [float(part) for part in line.groups()[::2]], [float(part) for part in line.groups()[1::2]]
    assert x == pytest.approx([x0, x1, 2 * x1 - x0], abs=0.1)
    assert y == pytest.approx([y0, y0 + 0.123456 * (y1 - y0), y1], abs=0.1)
    assert y1 < y0


def test_the_same_chart_gives_the_same_bytes(made):
    assert chart("one", draw, 'A "title"', "Described & <told>").svg == made.svg
