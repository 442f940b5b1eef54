"""An error in a plugin's code is followed by a sentence that names the plugin; one of imbalkit's own is not."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imbalkit.base.plugin_errors import plugin_note
from tests.command_line import imbalkit_process

CODE = """
from imbalkit.hookspecs import hookimpl
from imbalkit.kinds import Sampler


class Broken(Sampler):
    "Fails."

    name = "broken"

    def preview(self, counts):
        return 1 / 0

    def resample(self, plan, rng):
        return plan


@hookimpl
def register_samplers():
    return [Broken]
"""
RECIPE = "data: digits\nsamplers: [broken]\nbackbone: small_cnn\n"


@pytest.fixture
def site(tmp_path):
    """A folder of packages with one distribution, which has a plugin."""
    package, facts = tmp_path / "site" / "failing_plugin", tmp_path / "site" / "failing_plugin-1.2.dist-info"
    package.mkdir(parents=True)
    facts.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text(CODE)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: failing-plugin\nVersion: 1.2\n")
    (facts / "entry_points.txt").write_text("[imbalkit.plugins]\nfailing = failing_plugin.parts\n")
    return package.parent


def test_the_plugin_of_an_error_is_named(site, monkeypatch):
    monkeypatch.syspath_prepend(site)
    parts = importlib.import_module("failing_plugin.parts")
    with pytest.raises(ZeroDivisionError) as found:
        parts.Broken().preview(None)
    assert plugin_note(found.value) == (
        "This error comes from the plugin failing-plugin 1.2 (failing_plugin.parts, line 12): its author can mend it."
    )


def test_an_error_of_no_plugin_has_no_note():
    with pytest.raises(ZeroDivisionError) as found:
        divmod(1, 0)
    assert not plugin_note(found.value)
    assert not plugin_note(ValueError("never raised"))


def test_a_command_ends_with_the_note(site, tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    ended = subprocess.run(
        [sys.executable, "-m", "imbalkit", "plan", "recipe.yaml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-2:] == [
        "ZeroDivisionError: division by zero",
        "This error comes from the plugin failing-plugin 1.2 (failing_plugin.parts, line 12): its author can mend it.",
    ]


def test_a_plugin_that_cannot_be_imported_stops_no_command_that_leaves_it_out(site, tmp_path, monkeypatch):
    (site / "failing_plugin" / "parts.py").write_text("import nothing_there")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *filter(None, sys.path)]))
    pixels = io.BytesIO()
    Image.new("RGB", (8, 8)).save(pixels, "PNG")
    images = [{"bytes": pixels.getvalue(), "path": None}] * 40
    pq.write_table(pa.table({"image": images}), tmp_path / "rows.parquet")
    rows = "".join(f"rows.parquet!{row},{row % 2}\n" for row in range(40))
    (tmp_path / "rows.csv").write_text(f"path,label\n{rows}")
    (tmp_path / "recipe.yaml").write_text("data: {name: table, file: rows.csv}\nbackbone: small_cnn\n")
    for words in (["plan", "recipe.yaml"], ["new", "loss", "mine"]):
        refused = imbalkit_process(*words, cwd=tmp_path, check=False).stderr
        assert "plugin 'failing' of failing-plugin 1.2 cannot be imported" in refused
        assert "IMBALKIT_WITHOUT=failing" in refused
    imbalkit_process("run", "recipe.yaml", "--set", "training.epochs=1", "--without", "failing", cwd=tmp_path)
    monkeypatch.setenv("IMBALKIT_WITHOUT", "failing")
    imbalkit_process("new", "loss", "mine", cwd=tmp_path)
