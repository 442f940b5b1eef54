"""Hostile names of classes, columns, files and runs; what no printed text and no file for people may hold of them."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from imbalkit_lite.text import cell

ESCAPE = "\x1b[31m"
MARKUP = "<img src=x onerror=alert(1)>"
CLASSES = (  # in the order of a folder's classes
    f"{MARKUP}$x^2$[red]\"'\x1b]0;own\x07\u200b|\x9b2J`*",
    f"=cmd|' C'!A0 {ESCAPE}\u202eevil\nline",
)
TABLE_CLASSES = tuple(f"{name}</script>" for name in CLASSES)
RUN = f"<b onerror=alert(1)>{ESCAPE}run"
LABEL, SITE = f"=label{ESCAPE}", f"@{MARKUP}\u202e\n[red]\"'\x9b"
SITES = (f"=1+1{ESCAPE}", f"{MARKUP}\u200b\ny")
CELL = f"{MARKUP}{ESCAPE}=a"
# C0 but the line break, C1, marks of direction, without width, separators, halves of characters
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
RECIPE = """\
data: {name: image_folder, root: d}
images: {size: 8}
split: {validation: 0.3, test: 0.3}
backbone: {name: small_cnn, width: 4}
training: {epochs: 1, batch_size: 16, threads: 1}
"""


def write_data(folder: Path) -> None:
    """A folder of pictures by class `d`, its table `d.csv`, the recipes r.yaml and t.yaml, the sweep s.yaml."""
    rng = np.random.default_rng(0)
    rows = [["path", LABEL, SITE]]
    for label, name in enumerate(CLASSES):
        place = folder / "d" / name
        place.mkdir(parents=True)
        for row in range(64 - 8 * label):
            path = place / f'={ESCAPE}"<b>{row}.png'
            pixels = (rng.integers(0, 100, (12, 12, 3)) + 60 * label).astype(np.uint8)
            Image.fromarray(pixels).save(path)
            rows.append([str(path.relative_to(folder)), TABLE_CLASSES[label], SITES[row % 8 == 0]])
    with (folder / "d.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    views = [{"name": "oversample", "views": {name: [["horizontal_flip"]] for name in CLASSES}}]
    (folder / "r.yaml").write_text(f"{RECIPE}samplers: {json.dumps(views)}\n")
    table = {"name": "table", "file": "d.csv", "label_column": LABEL}
    text = RECIPE.replace("{name: image_folder, root: d}", json.dumps(table))
    (folder / "t.yaml").write_text(f"{text}evaluation: {{subgroups: {json.dumps([SITE])}}}\n")
    cells = {CELL: {"loss": "ce"}, "other": {"loss": "inverse_ce"}}
    sweep = {"base": "r.yaml", "description": MARKUP + ESCAPE, "axes": {"kind": cells}, "tables": {"overview": {}}}
    (folder / "s.yaml").write_text(json.dumps(sweep))


class Page(HTMLParser):
    """Attributes and elements of a page that come of a name; the kinds of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = dict(attributes)
        if names.get("src") == "x" or any(name.startswith("on") for name in names):
            self.found.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def _check_csv(text: str) -> None:
    for row in csv.reader(io.StringIO(text, newline="")):
        for value in row:
            assert cell(value) == value, value


def check_text(path: Path) -> None:
    """A file that a person may open holds nothing raw, no formula, no element of a name, and is what its name says."""
    text = path.read_text(encoding="utf-8")
    found = RAW.search(text.replace("\r\n", "\n") if path.suffix == ".csv" else text)
    assert not found, (path.name, text[max(0, found.start() - 80) : found.end() + 20])
    kind = path.suffix
    if kind == ".csv":
        _check_csv(text)
    elif kind == ".json":
        json.loads(text)
    elif kind == ".jsonl":
        assert [json.loads(line) for line in text.splitlines()]
    elif kind in (".html", ".svg"):
        page = page_of(path)
        assert not page.found, (path.name, page.found)
        assert not re.search("<b onerror|<img src=x|e</script>|`[*]</script>", text), path.name
        if kind == ".svg":
            assert {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}.isdisjoint(
                {"script", "img", "b", "foreignObject"}
            )
    elif kind == ".md":
        assert not re.search(r"(?<!\\)<(img|b) ", text), path.name


TEXTS = {".json", ".jsonl", ".yaml", ".csv", ".md", ".html", ".svg", ".txt", ".log", ".tex"}


def check_folder(folder: Path) -> set[str]:
    """Check every file for people below; the kinds that were there."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix in TEXTS]
    for path in files:
        check_text(path)
    return {path.suffix for path in files}
