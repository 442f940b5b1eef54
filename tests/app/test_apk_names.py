"""Ids, labels and versions of apps."""

from __future__ import annotations

import re

import pytest
from imbalkit_app.apk.names import AppNameError, app_id, check_id, clean_label, version_code, version_name

KEY = "c0ffee00" + "0" * 56


@pytest.mark.parametrize(
    "name, end",
    [
        ("Moles of a test", "moles_of_a_test"),
        ("moles-v2", "moles_v2"),
        ("2 moles", "app_2_moles"),
        ("Käfer", "k_fer_"),
        ("ほくろ", ""),
        ("🍄", ""),
        ('<&">', ""),
        ("_", ""),
        ("   ", ""),
        ("", ""),
        ("x" * 300, "x" * 40 + "_"),
        ("a" * 39 + " b", "a" * 39),
        ("\ud800", ""),
    ],
)
def test_an_id_is_one_of_androids_and_of_the_key(name, end):
    found = app_id(name, KEY)
    assert check_id(found) == found
    assert found.startswith(f"org.imbalkit.kc0ffee00.{end}")
    assert found == app_id(name, KEY)
    assert found != app_id(name, "1" * 64)


def test_other_names_have_other_ids():
    names = [
        "Käfer",
        "Kafer",
        "Kefer",
        "ほくろ",
        "ほくる",
        "moles",
        "moles 2",
        "x" * 300,
        "x" * 301,
        "a-b-",
        "a-b",
        "mole's",
    ]
    assert len({app_id(name, KEY) for name in names}) == len(names)


@pytest.mark.parametrize("name", ["org.example.moles", "a.b", "A1_.b_2.C", "a" * 98 + "." + "b" * 101])
def test_ids_that_android_takes(name):
    assert check_id(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "moles",
        "org.",
        ".org",
        "org..moles",
        "org.1moles",
        "org.mo-les",
        "org.käfer",
        "org.a b",
        "a.b\n",
        "_a.b",
        "a." + "b" * 199,
    ],
)
def test_ids_that_it_does_not(name):
    with pytest.raises(AppNameError, match=r"--apk-id: expected two or more words with dots between them") as caught:
        check_id(name)
    assert len(str(caught.value)) < 500


def test_a_label_is_one_line_without_control_codes():
    for label in ("Käfer", "ほくろ", "🍄👩‍🔬", '<&">', "x" * 300):
        assert clean_label(label) == label
    assert clean_label("  two\n lines\t") == "two lines"
    assert clean_label("a\x1b[2Jb\0") == "a\\x1b[2Jb\\x00"
    assert clean_label("\udcff") == "\\udcff"
    for empty in ("", "  \n"):
        with pytest.raises(AppNameError, match="--label: expected the name that a phone shows"):
            clean_label(empty)


def test_the_version_is_the_minute_of_the_export():
    assert version_code("1970-01-02T00:00:59Z") == 24 * 60
    assert version_code("2026-11-27T01:00:00+01:00") == version_code("2026-11-27T00:00:00Z") == 29_928_960
    assert version_code("2026-11-27T00:00:00") == 29_928_960
    assert version_code("2026-11-27T00:01:00Z") == 29_928_961
    for unknown in (None, "", "yesterday"):
        assert version_code(unknown) == 1
        assert version_name(unknown, "0.1.0") == "imbalkit 0.1.0"
    assert version_code("1960-01-01T00:00:00Z") == 1
    assert version_code("9999-12-31T23:59:00Z") == 2_100_000_000
    assert version_code("0001-01-01T00:00:00+23:00") == 1
    assert version_name("2026-11-27T00:00:00Z", "0.1.0") == "2026-11-27, imbalkit 0.1.0"
    assert re.fullmatch(r"\d+", str(version_code("2026-11-27T00:00:00.123456+00:00")))
