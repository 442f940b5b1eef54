import csv
import io
import json
import unicodedata

import pytest

from imbalkit_lite.text import cell, counted, json_text, printable, printable_lines, printable_message, unquoted

HOSTILE = "\x1b]0;T\x07\x1b[2J\x9b2J\x7f\u202e\u2066\u200b\ufeff\u2028\ud800\U000e0041"


def test_nothing_that_steers_a_terminal_or_hides_is_left():
    """Against the categories of Unicode: controls, surrogates, separators of lines, and formats but for signs of numbers."""
    seen = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2}  # format characters that have a shape
    for code in {*range(0xFFFE)} - seen - {0x2065}:
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            assert printable(f"a{character}b").isprintable(), hex(code)
        else:
            assert printable(f"a{character}b") == f"a{character}b", hex(code)
    assert printable(HOSTILE).isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\u202eb", "\\u202eb"),
        ("gr\udcf6n", "gr\\udcf6n"),
        ("a\u200db", "a\\u200db"),
        ("thick ≥ 1 mm, 黒色腫, می‌خواهم, 👩‍⚕️", "thick ≥ 1 mm, 黒色腫, می‌خواهم, 👩‍⚕️"),
        (5, "5"),
    ],
)
def test_escapes_are_those_of_python(text, shown):
    assert printable(text) == shown


def test_line_breaks_of_our_own_stay():
    assert printable_lines("a\n\x1bb") == "a\n\\x1bb"
    assert printable_message("2 mistakes:\n  one\n  two\nerror: forged") == "2 mistakes:\n  one\n  two\\nerror: forged"


def test_json_is_exact_and_printable():
    value = {HOSTILE: ["a\nb", HOSTILE, "ä 👩‍⚕️"]}
    for options in ({}, {"indent": 2}):
        text = json_text(value, **options)
        assert json.loads(text) == value
        assert all(line.isprintable() or "👩‍⚕️" in line for line in text.splitlines())
        text.encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((sign + "1+1", f"'{sign}1+1") for sign in "=+-@＝"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("-5", "-5"),
        ("+3,5e-2", "+3,5e-2"),
        ("-", "'-"),
        (-5, -5),
        (None, None),
        ("a=1", "a=1"),
        ("two\r\nlines", "two\nlines"),
        ("\x1b[2J", "\\x1b[2J"),
    ],
)
def test_cells_are_no_formulas(value, written):
    assert cell(value) == written
    stream = io.StringIO()
    csv.writer(stream).writerow([cell(value)])
    if isinstance(value, str) and value.isprintable():
        assert unquoted(str(cell(value))) == value


def test_many_counts_are_cut():
    assert counted((f"c{n}", 1000) for n in range(3)) == "c0: 1,000, c1: 1,000, c2: 1,000"
    assert counted([(f"c{n}", n) for n in range(1000)], 2) == "c0: 0, c1: 1, ... (1,000 in all)"
