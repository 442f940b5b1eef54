"""Everything that a plugin needs is importable from imbalkit.kinds, without what is heavy; the built-ins use it, too."""

import ast
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
    bases = [base.__name__ for base in kinds.KINDS.values()]  # shown by docs/generate.py
    absent = set(kinds.__all__) - {*re.findall(r"\w+", page), *bases, *(f"{base}Ref" for base in bases)}
    assert not absent


TOP = Path(__file__).parents[2]
BELOW = {"kinds", "hookspecs", "builtin", "functional", "pretrained", "data", "base"}  # what the built-ins may import


@pytest.mark.parametrize("file", sorted((TOP / "imbalkit" / "builtin").rglob("*.py")), ids=lambda file: file.stem)
def test_built_in_parts_import_the_door_and_what_is_below_it(file):
    modules = [node.module for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    packages = {module.split(".")[1] for module in modules if module and module.startswith("imbalkit.")}
    assert packages <= BELOW


def test_nothing_imports_a_built_in_part():
    places = [TOP / "imbalkit", TOP / "plugins", TOP / "examples"]
    files = [file for place in places for file in place.rglob("*.py") if "builtin" not in file.parts]
    assert [str(file) for file in files if "imbalkit.builtin" in file.read_text()] == []
