"""The third-party project under examples/: installed like a third party's, used from a recipe by name."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # pip and processes

PROJECT = Path(__file__).parents[1] / "examples" / "imbalkit_example_plugin"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Paths with the project installed: this environment, or a folder of its own if it is not installed here."""
    if importlib.util.find_spec("imbalkit_example_plugin"):
        return dict(os.environ)
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(PROJECT)]
    result = subprocess.run(install, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f"the example plugin cannot be installed here: {result.stderr[-300:]}")
    return os.environ | {"PYTHONPATH": str(target)}


def imbalkit(*arguments, cwd, environment):
    command = [sys.executable, "-m", "imbalkit", *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)


def test_its_parts_are_listed_with_its_distribution(tmp_path, environment):
    result = imbalkit("plugins", "generalized_ce", "--json", cwd=tmp_path, environment=environment)
    (fact,) = json.loads(result.stdout)
    assert fact["kind"] == "loss"
    assert fact["from"].startswith("imbalkit-example-plugin ")


def test_a_recipe_uses_its_sampler_and_loss_by_name(tmp_path, environment):
    recipe = (PROJECT / "recipe.yaml").read_text()
    assert "power_over" in recipe
    assert "generalized_ce" in recipe
    arguments = ["run", str(PROJECT / "recipe.yaml"), "--set", "training.epochs=2", "--folder", "done"]
    result = imbalkit(*arguments, cwd=tmp_path, environment=environment)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "done" / "metrics.json").exists()


def test_its_parts_are_in_the_schema(tmp_path, environment):
    schema = json.loads(imbalkit("schema", cwd=tmp_path, environment=environment).stdout)
    assert "generalized_ce" in json.dumps(schema["$defs"]["loss"])


def test_leaving_it_out_makes_its_names_unknown(tmp_path, environment):
    arguments = ["plan", str(PROJECT / "recipe.yaml"), "--without", "imbalkit-example-plugin"]
    result = imbalkit(*arguments, cwd=tmp_path, environment=environment)
    assert result.returncode == 1
    assert "there is no loss 'generalized_ce'" in result.stderr
