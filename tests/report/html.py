"""A page as a test reads it: ids, links, texts of sections."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

BLOCKS = {"p", "div", "td", "th", "li", "dt", "dd", "h2", "h3", "h4", "caption", "summary", "figcaption"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """What is in an HTML file. Tags that are not closed in order fail.

    Attributes:
        ids: every id, in order
        outside: (tag, attribute, address) of all that a browser would fetch
        links: addresses of links
        bare: pictures without a text
        texts: id of each section -> its text, with single spaces
        pictures: id of each section -> how many pictures it has
    """

    def __init__(self, path: Path):
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.outside: list[tuple[str, str, str]] = []
        self.links: list[str] = []
        self.bare = 0
        self.texts: dict[str, str] = {}
        self.pictures: dict[str, int] = {}
        self._open: list[str] = []
        self._section = ""
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self._open == []
        self.texts = {name: re.sub(r"\s+", " ", text).strip() for name, text in self.texts.items()}

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag not in VOID:
            self._open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "section":
            self._section = found["id"]
            self.texts[self._section] = ""
            self.pictures[self._section] = 0
        if tag == "img":
            self.pictures[self._section] += 1
            self.bare += not found.get("alt")
        for name in ("src", "srcset", "poster", "data", "action"):
            if found.get(name) and not found[name].startswith("data:"):
                self.outside.append((tag, name, found[name]))
        if tag == "link" and not found["href"].startswith("data:"):
            self.outside.append((tag, "href", found["href"]))
        if tag == "a":
            self.links.append(found.get("href", ""))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> at {self.getpos()}"
        if self._section and tag in BLOCKS:
            self.texts[self._section] += " "
        if tag == "section":
            self._section = ""

    def handle_data(self, data):
        if self._section and self._open and self._open[-1] not in ("script", "style"):
            self.texts[self._section] += data
