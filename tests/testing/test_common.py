"""Sound parts pass; the rules of every kind catch what they say, one broken part each."""

from __future__ import annotations

from typing import Any

import pytest

from imbalkit.errors import MissingExtraError
from imbalkit.kinds import param
from imbalkit.testing import Setting, check_part
from imbalkit.testing.common import check_light_import
from tests.testing.parts import SOUND, Half, broken, check


@pytest.mark.parametrize("part", SOUND, ids=lambda part: part.kind + " " + part.name)
def test_sound_parts_pass(part):
    check_part(part)
    check_part(part())


class Loose(Half):
    """Accepts anything."""

    model_config = {"extra": "ignore"}


class Lenient(Half):
    """Takes text for numbers, behind pydantic's back."""

    share: Any = param(0.5, help="share that stays")


class Helpless(Half):
    """Has a parameter without help."""

    share: float = 0.5


class Lossy(Half):
    """Does not write what it was given."""

    secret: float = param(1.0, help="not written", exclude=True)


class Tupled(Half):
    """Has a parameter that YAML cannot give."""

    pair: tuple[int, int] = param((1, 2), help="YAML has no tuples")


class Needy(Half):
    """Has a required parameter."""

    wanted: int = param(help="must be given")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        broken(Half, "lowercase letters, digits and _, got 'Half-Of'", name="Half-Of"),
        broken(Half, "has no docstring", __doc__=" "),
        (Loose, "must keep extra='forbid', got 'ignore'"),
        (Lenient, "'share' takes the text '0.5' for a number"),
        (Helpless, "parameter 'share' has no help"),
        (Tupled, "what a recipe can hold.*does not accept"),
        (Needy, "(?s)Needy does not accept the example {} .give every required parameter.*wanted"),
        (dict, "expected a subclass of imbalkit.kinds.Part, got <class 'dict'>"),
    ],
)
def test_rules_of_every_kind(part, message):
    check(part, message)


def test_a_part_must_survive_being_written():
    with pytest.raises(AssertionError, match="model_dump.. and back changed the part"):
        check_part(Lossy, secret=2.0)


def test_parameters_go_with_a_class():
    with pytest.raises(TypeError, match="give parameters with a class"):
        check_part(Half(), share=0.2)
    with pytest.raises(AssertionError, match="Half does not accept the example {'share': 2}"):
        check_part(Half, share=2)


def test_a_missing_module_is_not_a_broken_part():
    class Extra(Half):
        """Needs what is not there."""

        requires = {"no_such_module": "no-such-package"}

    with pytest.raises(MissingExtraError, match="pip install 'no-such-package'"):
        check_part(Extra)
    check_part(Extra, setting=Setting(build=False))


def test_heavy_imports_are_named(tmp_path, monkeypatch):
    (tmp_path / "heavy_plugin.py").write_text("import sqlite3\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check_light_import("heavy_plugin")
    with pytest.raises(AssertionError, match="importing heavy_plugin imports sqlite3; import what is heavy inside"):
        check_light_import("heavy_plugin", heavy=["torch", "sqlite3"])
