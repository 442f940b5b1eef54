from pathlib import Path

import pytest

import imbalkit


@pytest.fixture(scope="session")
def recipe_run(tmp_path_factory):
    """A finished run of recipe.yaml."""
    recipe = Path(__file__).parents[1] / "recipe.yaml"
    return imbalkit.run(recipe, folder=tmp_path_factory.mktemp("runs") / "run")
