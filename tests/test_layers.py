"""The layers of docs/architecture.md: a package imports only what lies below it, and nothing goes round in a circle."""

from __future__ import annotations

import importlib.util
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("docs_layers", TOP / "docs" / "layers.py")
layers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(layers)


def allowed(room):
    if room in layers.PLUGINS:
        return {*layers.LAYERS, room}
    if room in ("", "__main__"):  # the entrances: they name what is imported when it is used
        return set(layers.LAYERS)
    if room == layers.BUILTIN:
        return {*layers.BELOW_BUILTIN, layers.BUILTIN}
    return set(layers.LAYERS[: layers.LAYERS.index(room) + 1])


def test_each_package_imports_only_what_is_below_it():
    wrong = [
        f"{module} imports {other}"
        for module, others in layers.module_graph().items()
        for other in sorted(others)
        if layers.room_of(other) not in allowed(layers.room_of(module)) | {""}
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_through_others():
    graph = layers.module_graph()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle: " + " -> ".join(error.args[1]))


def test_only_entrances_stand_outside_the_packages():
    files = {path.name for path in (TOP / "imbalkit").iterdir() if path.is_file()}
    assert files <= {"__init__.py", "__main__.py", "errors.py", "hookspecs.py", "catalogue.py", "py.typed"}
    assert set(layers.room_graph()) == {*layers.LAYERS, layers.BUILTIN}


def test_the_picture_is_that_of_the_code():
    assert layers.PICTURE.read_text(encoding="utf-8") == layers.picture(), "run `python docs/layers.py`"


def test_architecture_says_for_each_package_what_may_be_touched():
    page = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert "](layers.svg)" in page
    for room in (*layers.LAYERS, layers.BUILTIN):
        assert f"| `{room}" in page, f"{room} is not in the table"


def test_a_forbidden_import_and_a_circle_are_seen(tmp_path, monkeypatch):
    for name, text in {
        "imbalkit/__init__.py": "",
        "imbalkit/base/__init__.py": "",
        "imbalkit/base/a.py": "def f():\n    from imbalkit.plan import b\n",
        "imbalkit/plan/__init__.py": "",
        "imbalkit/plan/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from imbalkit.base.a import f\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(layers, "TOP", tmp_path)
    with pytest.raises(AssertionError, match=r"imbalkit\.base\.a imports imbalkit\.plan\.b"):
        test_each_package_imports_only_what_is_below_it()
    with pytest.raises(pytest.fail.Exception, match=r"a circle: .*imbalkit\.plan\.b"):
        test_no_module_imports_itself_through_others()
