"""Everything that a plugin needs is importable from imbalkit.kinds, without what is heavy."""

import re
from pathlib import Path

import pytest

from imbalkit import kinds
from imbalkit.testing.common import HEAVY, check_light_import


@pytest.mark.parametrize("name", kinds.__all__)
def test_every_name_is_there(name):
    assert getattr(kinds, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'imbalkit.kinds' has no attribute 'Tabel'"):
        _ = kinds.Tabel


def test_importing_it_imports_nothing_heavy():
    check_light_import("imbalkit.kinds", heavy=(*HEAVY, "pandas", "scipy", "matplotlib", "pyarrow"))


def test_the_docs_name_every_one():
    page = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
    generated = {base.__name__ for base in kinds.KINDS.values()}  # by docs/generate.py
    assert not set(kinds.__all__) - set(re.findall(r"\w+", page)) - generated
