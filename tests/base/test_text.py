"""Small numbers are distinguished from 0, and shares that are nearly all from all."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imbalkit.base.text import factor_text, fixed, metric_text, ratio_text, rounded, share_number, share_text, slug
from imbalkit.engine.cross_validation import summarise


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1.0, "1.000"), (0.25, "0.250"), (0.0123, "0.012"), (0.0014, "0.0014"), (0.001, "0.0010"), (1 / 1001, "1 : 1,001"),
        (1 / 99_999, "1 : 99,999"), (1e-9, "1 : 1,000,000,000"), (0.0, "0.000"), (3.5, "3.500"), (99_999.0, "99,999"),
        (None, "?"), (math.nan, "?"),
    ],
)  # fmt: skip
def test_balance_ratios(ratio, text):
    assert ratio_text(ratio) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.2, "20.0%"), (0.0, "0.0%"), (1.0, "100.0%"), (1e-5, "0.001%"), (1.25e-5, "0.0013%"), (1 - 1e-5, "99.999%"),
        (0.9996, "99.96%"), (0.99951, "99.951%"), (0.9994, "99.9%"), (1 - 1e-16, "100.0%"), (0.0005, "0.1%"), (0.0004, "0.04%"),
    ],
)  # fmt: skip
def test_shares(share, text):
    assert share_text(share) == text


def test_factors():
    assert [factor_text(value) for value in (1, 1.5, 99_999.0, 1 / 99_999, 0, 0.0123)] == [
        "1", "1.5", "99,999", "1 / 99,999", "0", "0.0123",
    ]  # fmt: skip


def test_figures():
    assert [fixed(value, 3) for value in (0.25, 0.0004, -0.00001, 0.0, 1e-7)] == [
        "0.250", "0.0004", "-0.00001", "0.000", "0.0000001",
    ]  # fmt: skip
    assert fixed(math.nan, 3) == "nan"
    assert [rounded(value) for value in (1 / 3, 12.34567, 1 / 99_999, 0.0)] == [0.3333, 12.3457, 1.00001e-5, 0.0]


@given(st.floats(1e-10, 1 - 1e-10), st.integers(0, 2))
def test_a_share_between_none_and_all_never_looks_like_either(share, digits):
    shown = float(share_number(share, digits))
    assert 0 < shown < 100
    assert shown == pytest.approx(100 * share, rel=0.06, abs=0.5 * 10**-digits)


@given(st.floats(1e-9, 1e6))
def test_a_ratio_keeps_its_leading_digits(ratio):
    text = ratio_text(ratio).replace(",", "")
    value = 1 / float(text[4:]) if text.startswith("1 : ") else float(text)
    assert value == pytest.approx(ratio, rel=0.05)
    assert rounded(ratio) == pytest.approx(ratio, rel=0.05)


@given(st.text(min_size=1, max_size=20))
def test_a_slug_is_a_plain_file_name(text):
    assert re.fullmatch(r"[\w.-]+", slug(text))
    assert slug(text) not in (".", "..")
    assert slug(slug(text)) == slug(text)


@pytest.mark.parametrize(
    "values, text",
    [
        ([0.5, 0.25, 0.75], "0.5000 ± 0.2500"),
        ([None, 7.0, 4.0], "5.5000 ± 2.1213 (2 of 3 folds)"),
        ([None, 7, 4], "5.5 ± 2.1 (2 of 3 folds)"),
        ([None, 0.5, None], "0.5000 (1 of 3 folds)"),
        ([None, None], "not defined"),
    ],
)
def test_a_summary_says_of_how_many_folds_it_is(values, text):
    assert metric_text(summarise([{"metric": value} for value in values])["metric"]) == text
