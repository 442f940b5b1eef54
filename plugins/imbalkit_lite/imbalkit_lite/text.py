"""Text from data (names of classes, columns and files) as a terminal, a log or a spreadsheet may show it.

Control codes could steer a terminal, marks of direction and characters without width let one name look like another, and a
line break could forge a line. All of them are shown as escapes such as \\x1b, as Python's repr shows them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

# C0, DEL, C1; soft hyphen; marks of direction; without width; line and paragraph separators; halves of characters
# (names of files that are no UTF-8); what XML forbids; tags. The joiners of Persian, Hindi and emoji stay between letters
# that need them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Spreadsheets take a cell that begins so for a formula, also with the wide signs of East Asian fonts.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.I)


def printable(text: object) -> str:
    """One line: everything that is no visible character or blank is shown as an escape.

    >>> printable("a\\x1b[2Jb\\n")
    'a\\\\x1b[2Jb\\\\n'
    """
    text = str(text)
    return text if text.isprintable() else _UNSAFE.sub(_escape, text)


def printable_lines(text: object) -> str:
    """The same for text of several lines: its line breaks stay."""
    return "\n".join(printable(line) for line in str(text).split("\n"))


def printable_message(text: object) -> str:
    """The same for a message of ours, whose further lines are indented: a line break within a name is shown as an escape."""
    return "\n  ".join(printable(line) for line in str(text).split("\n  "))


def json_text(value: Any, **options: Any) -> str:
    """`value` as JSON that reads back exactly, in which what `printable` escapes is escaped; `options` as of json.dumps."""
    text = json.dumps(value, ensure_ascii=False, **options)
    return text if text.isprintable() else _UNSAFE.sub(_json_escape, text)


def cell(value: Any) -> Any:
    """A cell of a CSV file for people: text made printable, with a quote before what a spreadsheet would take for a formula.

    Numbers, also those written as text, stay as they are. So do line breaks, which CSV has quotes for, and the bytes of file
    names that are no UTF-8: write the file with errors="surrogateescape".

    >>> cell("=1+1"), cell("-5"), cell(-5), cell("@home")
    ("'=1+1", '-5', -5, "'@home")
    """
    if not isinstance(value, str):
        return value
    quote = "'" if value.startswith(_FORMULA) and not _NUMBER.fullmatch(value) else ""
    return quote + (value if value.isprintable() else _UNSAFE.sub(_cell_escape, value.replace("\r\n", "\n")))


def unquoted(text: str) -> str:
    """The text of such a cell, without the quote before a formula."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def counted(counts: Iterable[tuple[str, int]], most: int = 12) -> str:
    """Names with their counts for a message, cut after `most`.

    >>> counted([("benign", 9000), ("melanoma", 12)])
    'benign: 9,000, melanoma: 12'
    """
    pairs = iter(counts)
    shown = ", ".join(f"{name}: {count:,}" for name, count in islice(pairs, most))
    more = sum(1 for _ in pairs)
    return f"{shown}, ... ({most + more:,} in all)" if more else shown


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if found[0] in _SHORT:
        return _SHORT[found[0]]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cell_escape(found: re.Match[str]) -> str:
    return found[0] if found[0] == "\n" or "\udca0" <= found[0] <= "\udcff" else _escape(found)


def _json_escape(found: re.Match[str]) -> str:
    # A line break stands between the lines of an indented document: those within its texts are escaped already.
    return found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1]
