"""Markdown of plugins: tables to write, and safe HTML to show."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from imbalkit_lite.text import printable

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SCHEMES = {"http", "https", "mailto"}  # of links; addresses without a scheme are relative
_IGNORED = re.compile("[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]")  # by browsers, or invisible


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("\n", "<br>").replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def markdown_text(text: object) -> str:
    """Text from data in Markdown: on one line, and no markup."""
    return re.sub(r"[\\`*\[\]|$]|<(?=[\w/!?])", r"\\\g<0>", printable(text))


def to_html(text: str, folder: Path) -> Markup:
    """Markdown as HTML: tables and fenced code; raw HTML is shown as text, but for `<br>`.

    Pictures of the run folder are put into the page; of others the description and address are left, as the page asks nothing
    of the network. Headings start at the third level.
    """
    import markdown

    reader = markdown.Markdown(extensions=["tables", "fenced_code", "sane_lists"], output_format="html")
    reader.preprocessors.deregister("html_block")
    reader.inlinePatterns.deregister("html")
    text = text.replace("<br>", "\x02br\x03")  # what markdown_table puts between the lines of a cell
    reader.treeprocessors.register(_Safe(folder), "safe", 0)
    page = reader.convert(text.replace("\x02br\x03", " @br@ ")).replace(" @br@ ", "<br>")
    page = page.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return Markup(page)


def _is_safe(address: str) -> bool:
    """Whether a link may lead there, whatever character references or blanks its scheme is written with."""
    scheme, colon, _ = _IGNORED.sub("", html.unescape(html.unescape(address))).partition(":")
    return not colon or scheme.lower() in _SCHEMES or any(sign in scheme for sign in "/?#")


class _Safe:
    """Changes the tree before it is written: links, pictures, headings."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()

    def run(self, root: Element) -> None:
        for element in root.iter():
            if element.tag in ("h1", "h2"):
                element.tag = "h3"
            elif element.tag == "a" and not _is_safe(element.get("href", "")):
                del element.attrib["href"]
            elif element.tag == "img":
                self._picture(element)

    def _picture(self, element: Element) -> None:
        from imbalkit.report.pictures import file_uri

        source = element.get("src", "")
        path = (self.folder / source).resolve()
        uri = file_uri(path) if path.is_relative_to(self.folder) and path.is_file() else None
        if uri is not None:
            element.set("src", uri)
            return
        alt = element.get("alt", "")
        element.tag, element.text = "span", f"{alt} ({source})"
        element.attrib.clear()
        element.set("class", "missing")
