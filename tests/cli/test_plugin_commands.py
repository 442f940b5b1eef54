"""Commands of plugins: their help without importing them, and names that are taken."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions

import pytest

from imbalkit.catalogue import default_catalogue
from imbalkit.cli.tables.parts import description, part_facts
from tests.command_line import imbalkit

SOURCE = '''"""Of the module."""
raise RuntimeError("imported")

import click


@click.command()
def count():
    """Count runs,
    all of them.

    More.
    """
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Writes a distribution with the module poly.commands and one entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, target="poly.commands:count", dist="poly"):
        for package in (tmp_path / "poly", tmp_path / f"{dist}-1.0.dist-info"):
            package.mkdir(exist_ok=True)
        (tmp_path / "poly" / "__init__.py").write_text("raise RuntimeError('imported')")
        (tmp_path / "poly" / "commands.py").write_text(SOURCE)
        (tmp_path / f"{dist}-1.0.dist-info" / "METADATA").write_text(f"Name: {dist}\nVersion: 1.0\n")
        (tmp_path / f"{dist}-1.0.dist-info" / "entry_points.txt").write_text(
            f"[imbalkit.commands]\n{name} = {target}\n"
        )
        assert any(found.name == dist for found in distributions())

    return write


@pytest.mark.parametrize(
    "target, shown",
    [
        ("poly.commands:count", "Count runs, all of them."),
        ("poly.commands:other", "Of the module."),
        ("poly.gone:count", "From poly."),
        ("nowhere.commands:count", "From poly."),
    ],
)
def test_help_shows_a_command_without_importing_it(plugin, tmp_path, target, shown):
    plugin("count", target)
    assert f"count     {shown}\n" in imbalkit("--help", cwd=tmp_path).stdout
    failed = imbalkit("count", cwd=tmp_path, check=False)
    assert failed.returncode == 1
    assert "command 'count' of poly cannot be imported" in failed.stderr


def test_help_shows_the_own_plugins_and_imports_none_of_them():
    script = (
        "import sys; sys.argv = ['imbalkit', '--help'];\nfrom imbalkit.cli.main import root\n"
        "try: root()\nexcept SystemExit: pass\n"
        "assert not [name for name in sys.modules if name.startswith(('imbalkit_app', 'imbalkit_melanoma'))]"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "app       Make an exported MODEL.tflite an app" in shown
    assert "melanoma  Skin lesion data of ISIC." in shown


def test_a_name_of_a_built_in_command_is_refused(plugin, tmp_path):
    plugin("compare")
    refused = imbalkit("--help", cwd=tmp_path, check=False)
    assert refused.returncode == 1
    assert "command 'compare' of poly (poly.commands:count) has the name of a command of imbalkit" in refused.stderr


def test_two_plugins_with_one_command_are_refused(plugin, tmp_path):
    plugin("count")
    plugin("count", dist="other")
    refused = imbalkit("count", cwd=tmp_path, check=False)
    assert refused.returncode == 1
    assert "command 'count' is in both" in refused.stderr
    assert "poly (poly.commands:count)" in refused.stderr
    assert "other (poly.commands:count)" in refused.stderr


@pytest.mark.parametrize(
    "text, read",
    [
        ("description: >-\n  One,\n  two.\n\n  Three: four\ndata: x\n", "One, two. Three: four"),
        ("description: |\n  One\n  two\n", "One two"),
        ('# c\ndescription: "a \\u00e9: b"  # why\ndata: x', "a \u00e9: b"),
        ("description: 'it''s'\n", "it's"),
        ("description: plain\n  goes on # not this\n# nor this\ndata: [", "plain goes on"),
        ("description:\ndata: x\n", ""),
        ("data: x\n", ""),
        ("description: [\ndata: x\n", ""),
    ],
)
def test_a_description_is_read_as_yaml(tmp_path, text, read):
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    assert description(tmp_path / "r.yaml") == read


def test_recipes_and_sweeps_say_what_they_are():
    facts = [fact for fact in part_facts(default_catalogue()) if fact["kind"] in ("recipe", "sweep")]
    assert facts
    assert not [fact["name"] for fact in facts if len(fact["help"]) < 10]
