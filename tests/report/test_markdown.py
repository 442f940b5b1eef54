"""Plugins' Markdown as safe HTML."""

from __future__ import annotations

import base64

import pytest
from PIL import Image

from imbalkit.report import markdown_table
from imbalkit.report.markdown import to_html


def test_tables_come_through(tmp_path):
    page = to_html(markdown_table(["a", "b"], [["1|2", "x\ny"]]), tmp_path)
    assert "<td>1|2</td>" in page
    assert "<td>x<br>y</td>" in page
    assert 'tabindex="0"' in page  # a wide one can be scrolled with keys


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<style>p{}</style>",
        "<div onclick=x>\n\nhi\n\n</div>",
    ],
)
def test_raw_html_is_text(tmp_path, text):
    page = to_html(text, tmp_path)
    assert "<script" not in page
    assert "<img" not in page
    assert "<style" not in page
    assert "<div" not in page
    assert "&lt;" in page


def test_links_that_run_scripts_lead_nowhere(tmp_path):
    page = to_html(
        "[a](javascript:alert(1)) [b](https://example.org) [c](#rows) [d](JavaScript:x) [e](data:text/html,x)", tmp_path
    )
    assert page.count("href=") == 2
    assert 'href="https://example.org"' in page
    assert 'href="#rows"' in page


@pytest.mark.parametrize(
    "address",
    [
        "javascript&colon;alert(1)", "javascript&#58;alert(1)", "javascript&#x3a;alert(1)", "data&colon;text/html,x",
        "java&Tab;script:alert(1)", "java&#10;script&colon;x", "<java script:x>", "&#1;javascript:x", "javascript\\:x",
        "\u00a0vbscript&colon;x", "java\u200bscript:x", "javascript&amp;colon;x", "JavaScript&colon;x", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_a_scheme_is_known_however_it_is_written(tmp_path, address):
    for text in (f"[a]({address})", f"[a][r]\n\n[r]: {address}", f"<{address}>"):
        assert "href" not in to_html(text, tmp_path)


@pytest.mark.parametrize(
    "address", ["https://a.b/c?d=1:2", "#a:b", "sub/a:b.html", "report.html", "mailto:a@b.example"]
)
def test_other_links_stay(tmp_path, address):
    assert f'href="{address}"' in to_html(f"[a]({address})", tmp_path)


def test_pictures_of_the_run_folder_are_put_into_the_page(tmp_path):
    Image.new("RGB", (2, 2), "red").save(tmp_path / "dot.png")
    page = to_html("![a dot](dot.png)", tmp_path)
    assert 'alt="a dot"' in page
    assert f"data:image/png;base64,{base64.b64encode((tmp_path / 'dot.png').read_bytes()).decode()}" in page


@pytest.mark.parametrize(
    "source", ["https://example.org/x.png", "../outside.png", "gone.png", "notes.txt", "//example.org/x.png"]
)
def test_other_pictures_are_named_and_not_asked_for(tmp_path, source):
    folder = tmp_path / "run"
    folder.mkdir()
    Image.new("RGB", (2, 2)).save(tmp_path / "outside.png")
    (folder / "notes.txt").write_text("x")
    page = to_html(f"![a dot]({source})", folder)
    assert "<img" not in page
    assert "a dot" in page
    assert source in page


def test_headings_stay_below_the_sections(tmp_path):
    page = to_html("# One\n\n## Two\n\n### Three", tmp_path)
    assert page.count("<h3>") == 3
